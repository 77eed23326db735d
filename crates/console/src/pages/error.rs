//! The page for what went wrong.

use askama::Template;
use stockade_api::ApiError;
use stockade_domain::RequestId;

#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) assets: &'a str,
    status: u16,
    title: &'static str,
    detail: String,
    code: &'static str,
    id: String,
}

impl<'a> ErrorPage<'a> {
    pub(crate) fn new(assets: &'a str, error: &ApiError, id: RequestId) -> Self {
        let title = match error.status().as_u16() {
            400 => "That address is not quite right",
            403 => "This request was refused",
            404 => "There is nothing here",
            405 => "That cannot be done here",
            409 => "Not quite yet",
            421 => "This is not the host you asked for",
            _ => "The records cannot be read",
        };
        Self {
            assets,
            status: error.status().as_u16(),
            title,
            detail: error.to_string(),
            code: error.code(),
            id: id.to_string(),
        }
    }
}
