//! Waits until AWS answers with the tags that were written: what looks before that would take the thing for somebody
//! else's, or for missing, and make it again.

use super::change_context::{ChangeContext, writable};
use super::{iam, kms, s3, sns};
use crate::cloud::{CloudFault, CloudFaultKind, Done};
use crate::estate::{Resource, Tags};

/// Waits for the tags of a change that was made. Where it takes longer than AWS's changes do, the next look says so.
pub(super) async fn await_tags(job: &ChangeContext<'_>, done: &Done) -> Result<(), CloudFault> {
    let Some(wanted) = job.change.desired().and_then(Resource::tags).filter(|_| job.sets("tags")) else {
        return Ok(());
    };
    let probe = || async {
        match tags(job, done).await {
            Ok(Some(live)) => Ok(writable(wanted).all(|(key, value)| live.get(key) == Some(value)).then_some(())),
            Ok(None) => Ok(Some(())),
            Err(fault) if fault.kind == CloudFaultKind::Absent => Ok(None),
            Err(fault) => Err(fault),
        }
    };
    job.session.until(probe).await.map(drop)
}

/// Asks for the tags; none of kinds whose tags decide nothing before they are seen.
async fn tags(job: &ChangeContext<'_>, done: &Done) -> Result<Option<Tags>, CloudFault> {
    let session = &job.session;
    match job.change.desired() {
        Some(Resource::Bucket(_)) => s3::tags(session, job.name()).await.map(Some),
        Some(Resource::Topic(_)) => sns::tags(session, &session.arn("sns", job.name())).await.map(Some),
        Some(Resource::Role(_)) => iam::role::tags(session, job.name()).await.map(Some),
        Some(Resource::Key(_)) => match &done.resource {
            Some(Resource::Key(key)) => match &key.arn {
                Some(arn) => kms::tags(session, arn).await.map(Some),
                None => Ok(None),
            },
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}
