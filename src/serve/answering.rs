//! From a request to its answer: who may ask, what can be asked, and what every answer has.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::{self, request};
use hyper::{Method, Response, StatusCode};
use tokio::task::spawn_blocking;

use super::room::Room;
use super::{Answer, Request};

/// Answers a request, whatever it is.
pub(super) async fn answer(room: &Room, request: http::Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    // It is not read, and so no other request can follow it.
    let has_body = !body.is_end_stream();
    drop(body);
    let answer = decide(room, &head).await;
    let mut response = response(answer).unwrap_or_else(|_| {
        let broken = Answer::error(500, "the answer cannot be sent; please report it");
        response(broken).unwrap_or_default()
    });
    room.counters.answered(response.status().as_u16());
    if has_body || room.is_closing() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn decide(room: &Room, head: &request::Parts) -> Answer {
    if !may_ask(room, &head.headers) {
        return unauthorized();
    }
    if !matches!(head.method, Method::GET | Method::HEAD) {
        let mut answer = Answer::error(405, "there is nothing but GET and HEAD");
        answer.headers.push(("allow", "GET, HEAD".into()));
        return answer;
    }
    let Some(request) = Request::of(&head.uri) else {
        return Answer::error(400, "the target of the request is no path");
    };
    let Some(ticket) = room.work.begin(&request.path) else {
        return too_many("too many such requests are being answered; try again later");
    };
    let handler = Arc::clone(&room.handler);
    let work = spawn_blocking(move || {
        let _ticket = ticket;
        handler(&request)
    });
    work.await
        .unwrap_or_else(|_| Answer::error(500, "answering ended in a crash; please report it"))
}

fn may_ask(room: &Room, headers: &HeaderMap) -> bool {
    let Some(token) = &room.settings.token else { return true };
    headers.get(AUTHORIZATION).is_some_and(|it| token.is_known_by(it))
}

/// A browser asks for a password then.
fn unauthorized() -> Answer {
    let mut answer = Answer::error(401, "the token is missing, or is another one");
    for scheme in ["Basic realm=\"auditor\"", "Bearer realm=\"auditor\""] {
        answer.headers.push(("www-authenticate", scheme.into()));
    }
    answer
}

/// As nothing is done for it, it is to be asked again.
fn too_many(words: &str) -> Answer {
    let mut answer = Answer::error(503, words);
    answer.headers.push(("retry-after", "1".into()));
    answer
}

/// The answer as it is sent. That to HEAD is the same, and its body is left out.
fn response(answer: Answer) -> Result<Response<Full<Bytes>>, http::Error> {
    let status = StatusCode::from_u16(answer.status)?;
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        headers.append(HeaderName::try_from(*name)?, HeaderValue::from_str(value)?);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(answer.content_type)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
