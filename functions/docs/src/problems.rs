//! `GET /api/docs/problems`

use std::fmt::Write;

use axum::response::Response;
use shared::error::Code;

use crate::page::html;

/// What problems mean
///
/// The page that the `type` of every problem points to.
#[utoipa::path(
    get, path = "/api/docs/problems", tag = "docs",
    responses((status = 200, description = "The page", content_type = "text/html", body = String))
)]
pub(crate) async fn get_problems() -> Response {
    let mut rows = String::new();
    for code in Code::ALL {
        let (name, status, title, text) =
            (code.as_str(), code.status().as_u16(), code.title(), marked(code.explanation()));
        let _ = write!(
            rows,
            "<section id=\"{name}\"><h2>{title}</h2><p><code>{name}</code> · {status}</p><p>{text}</p></section>"
        );
    }
    html(include_str!("../assets/problems.html").replace("<!-- problems -->", &rows))
}

/// Escapes text and sets what stands between backticks as code.
fn marked(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let parts = escaped.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_code_is_set() {
        assert_eq!(marked("Send `Bearer <token>` & wait"), "Send <code>Bearer &lt;token&gt;</code> &amp; wait");
    }
}
