//! Amazon S3 as the place of one document that replicas agree through: conditional writes (Amazon S3 user guide, "How
//! to prevent object overwrites with conditional writes").

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;

use super::session::{Session, none_if_absent};
use crate::cloud::CloudFault;
use crate::cloud::document::{Condition, ConditionalStore, Versioned, WriteOutcome};
use crate::operations::document as op;

/// One object, reached with the credentials that the program was started with.
pub(super) struct Object {
    pub(super) session: Session,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) bytes_max: i64,
}

impl Object {
    fn odd(&self, message: impl std::fmt::Display) -> CloudFault {
        self.session.unexpected_response(op::GET_OBJECT, format!("s3://{}/{}: {message}", self.bucket, self.key))
    }
}

#[async_trait]
impl ConditionalStore for Object {
    async fn read(&self) -> Result<Option<Versioned>, CloudFault> {
        let request = self.session.s3().get_object().bucket(&self.bucket).key(&self.key);
        let Some(answer) = none_if_absent(self.session.read(op::GET_OBJECT, request.send()).await)? else {
            return Ok(None);
        };
        if answer.content_length().is_some_and(|length| length > self.bytes_max) {
            return Err(self.odd(format!("the object has more than {} bytes: it is something else", self.bytes_max)));
        }
        let Some(version) = answer.e_tag().map(str::to_owned) else {
            return Err(self.odd("the answer has no entity tag"));
        };
        let bytes = answer.body.collect().await.map_err(|error| self.odd(error))?.into_bytes();
        let text = String::from_utf8(bytes.to_vec()).map_err(|error| self.odd(error))?;
        Ok(Some(Versioned { text, version }))
    }

    async fn write(&self, text: &str, condition: &Condition) -> Result<WriteOutcome, CloudFault> {
        let body = ByteStream::from(text.as_bytes().to_vec());
        let request = self.session.s3().put_object().bucket(&self.bucket).key(&self.key);
        let request = request.content_type("application/json").body(body);
        let request = match condition {
            Condition::Absent => request.if_none_match("*"),
            Condition::Version(version) => request.if_match(version),
        };
        match self.session.write_once(op::PUT_OBJECT, request.send()).await {
            Ok(_) => Ok(WriteOutcome::Done),
            Err(fault) if LOST.contains(&fault.code.as_str()) => Ok(WriteOutcome::Conflict),
            Err(fault) => Err(fault),
        }
    }
}

/// The condition did not hold; another write came in between; the object that was to be replaced is gone.
const LOST: [&str; 3] = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"];
