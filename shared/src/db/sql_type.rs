//! The PostgreSQL types of Rust types.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

/// A Rust type with one PostgreSQL type, so that a bind needs no type at the call.
pub trait SqlType {
    /// The type of a value.
    const TYPE: Type;
    /// The type of an array of values.
    const ARRAY: Type;
}

macro_rules! sql_types {
    ($($rust:ty => $type:ident, $array:ident;)+) => {
        $(impl SqlType for $rust {
            const TYPE: Type = Type::$type;
            const ARRAY: Type = Type::$array;
        })+
    };
}

sql_types! {
    bool => BOOL, BOOL_ARRAY;
    i16 => INT2, INT2_ARRAY;
    i32 => INT4, INT4_ARRAY;
    i64 => INT8, INT8_ARRAY;
    f64 => FLOAT8, FLOAT8_ARRAY;
    str => TEXT, TEXT_ARRAY;
    String => TEXT, TEXT_ARRAY;
    Uuid => UUID, UUID_ARRAY;
    Timestamp => TIMESTAMPTZ, TIMESTAMPTZ_ARRAY;
    serde_json::Value => JSONB, JSONB_ARRAY;
}

impl<T: SqlType + ?Sized> SqlType for &T {
    const TYPE: Type = T::TYPE;
    const ARRAY: Type = T::ARRAY;
}

impl<T: SqlType> SqlType for Option<T> {
    const TYPE: Type = T::TYPE;
    const ARRAY: Type = T::ARRAY;
}

// PostgreSQL has no arrays of arrays: an array of more dimensions has the same type.
impl<T: SqlType> SqlType for [T] {
    const TYPE: Type = T::ARRAY;
    const ARRAY: Type = T::ARRAY;
}

impl<T: SqlType> SqlType for Vec<T> {
    const TYPE: Type = T::ARRAY;
    const ARRAY: Type = T::ARRAY;
}
