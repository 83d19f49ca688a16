//! The envelope of responses with data: `{"success": true, "data": …}`, and for some a `message`.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A response with data. Its schema is named after the data, with `Body` at the end, as in `TaskBody`.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "clients read these names")]
pub struct Data<T, M: Message = ()> {
    success: bool,
    data: T,
    #[serde(skip_serializing_if = "Message::is_absent")]
    message: M,
}

impl<T, M: Message> Data<T, M> {
    /// Data, and a sentence for people about what happened.
    pub fn new(data: impl Into<T>, message: M) -> Self {
        Self { success: true, data: data.into(), message }
    }
}

impl<T> From<T> for Data<T> {
    fn from(data: T) -> Self {
        Self::new(data, ())
    }
}

/// The type of the field `message`: it is absent, present in every response, or present in some.
pub trait Message: Serialize {
    /// Whether the schema requires the field; `None` if it has no such field.
    const REQUIRED: Option<bool>;

    /// Whether to leave the field out of this response.
    fn is_absent(&self) -> bool;
}

impl Message for () {
    const REQUIRED: Option<bool> = None;

    fn is_absent(&self) -> bool {
        true
    }
}

impl Message for &'static str {
    const REQUIRED: Option<bool> = Some(true);

    fn is_absent(&self) -> bool {
        false
    }
}

impl Message for Option<&'static str> {
    const REQUIRED: Option<bool> = Some(false);

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: ToSchema, M: Message> PartialSchema for Data<T, M> {
    fn schema() -> RefOr<Schema> {
        let success =
            ObjectBuilder::new().schema_type(Type::Boolean).description(Some("Always true.")).examples([true]);
        let mut body = ObjectBuilder::new()
            .description(Some(format!("An answer with `{}` as its data.", T::name())))
            .property("success", success)
            .required("success")
            .property("data", Ref::from_schema_name(T::name()))
            .required("data");
        if let Some(is_required) = M::REQUIRED {
            let text = if is_required {
                "What happened, for people."
            } else {
                "What happened, for people; not in every answer."
            };
            let message = ObjectBuilder::new().description(Some(text)).examples(["Done"]);
            let message = if is_required {
                message.schema_type(Type::String)
            } else {
                message.schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            };
            body = body.property("message", message);
            body = if is_required { body.required("message") } else { body };
        }
        body.into()
    }
}

impl<T: ToSchema, M: Message> ToSchema for Data<T, M> {
    fn name() -> Cow<'static, str> {
        format!("{}Body", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_comes_last_and_only_if_there_is_one() {
        assert_eq!(text(&Data::from(1)), r#"{"success":true,"data":1}"#);
        assert_eq!(text(&Data::<i32, _>::new(1, "Done")), r#"{"success":true,"data":1,"message":"Done"}"#);
        assert_eq!(text(&Data::<i32, Option<_>>::new(1, None)), r#"{"success":true,"data":1}"#);
    }

    fn text(body: &impl Serialize) -> String {
        serde_json::to_string(body).unwrap()
    }
}
