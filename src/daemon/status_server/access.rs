//! Who may see the status: whoever is on this machine, or whoever has the token.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap};
use sha2::{Digest, Sha256};

use super::ServerError;

/// The least length of a token in bytes.
pub const TOKEN_BYTES_MIN: usize = 16;

/// Who may see the status.
#[derive(Debug, Clone)]
pub enum Access {
    /// Whoever is on this machine.
    Loopback,
    /// Whoever has the token, of which only the SHA-256 is kept.
    Token([u8; 32]),
}

impl Access {
    /// Decides who may see what is served at an address.
    ///
    /// # Errors
    /// [`ServerError`] where anyone could, or could guess the token.
    pub fn new(address: SocketAddr, token: Option<&str>) -> Result<Self, ServerError> {
        match token.map(str::trim) {
            Some(token) if token.len() < TOKEN_BYTES_MIN => Err(ServerError::ShortToken),
            Some(token) => Ok(Access::Token(Sha256::digest(token).into())),
            None if address.ip().is_loopback() => Ok(Access::Loopback),
            None => Err(ServerError::Unprotected(address)),
        }
    }

    /// Tells whether a request may be answered.
    ///
    /// # Errors
    /// The status of the refusal.
    pub(super) fn admits(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        match self {
            Access::Loopback => names_this_machine(headers).then_some(()).ok_or(StatusCode::MISDIRECTED_REQUEST),
            // Digests are compared, so the time that it takes says nothing about the token.
            Access::Token(wanted) => {
                let given = token(headers).map(|token| <[u8; 32]>::from(Sha256::digest(token)));
                (given.as_ref() == Some(wanted)).then_some(()).ok_or(StatusCode::UNAUTHORIZED)
            }
        }
    }
}

fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name == "localhost" || name == "[::1]" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// Reads the token of a program (`Bearer`), or that which a person has typed as a password into a browser (`Basic`).
fn token(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD.decode(value.trim()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}
