//! A signature over evidence by a key of KMS, which never leaves it.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};

use super::LogsSession;
use crate::archive::{Fault, FaultKind};
use crate::operations::kms as op;

/// Tells that a key can sign evidence, before there is any.
pub(super) async fn can_sign(session: &LogsSession, key_arn: &str) -> Result<(), Fault> {
    algorithm(&at(session, key_arn), key_arn).await.map(drop)
}

/// Signs a text with the key of an ARN, in its own region. Returns the algorithm's name and the signature.
pub(super) async fn sign(session: &LogsSession, key_arn: &str, text: &str) -> Result<(String, Vec<u8>), Fault> {
    let session = at(session, key_arn);
    let algorithm = algorithm(&session, key_arn).await?;
    let request = session.kms().sign().key_id(key_arn).message(Blob::new(text)).message_type(MessageType::Raw);
    let request = request.signing_algorithm(algorithm.clone());
    let answer = session.read(op::SIGN, request.send()).await.map_err(|failure| failure.fault)?;
    let value = answer.signature().map(|value| value.as_ref().to_vec()).unwrap_or_default();
    Ok((algorithm.as_str().to_owned(), value))
}

fn at(session: &LogsSession, key_arn: &str) -> LogsSession {
    let region = key_arn.split(':').nth(3).and_then(|region| region.parse().ok());
    region.map_or_else(|| session.clone(), |region| session.in_region(&region))
}

async fn algorithm(session: &LogsSession, key_arn: &str) -> Result<SigningAlgorithmSpec, Fault> {
    let request = session.kms().get_public_key().key_id(key_arn);
    let known = session.read(op::GET_PUBLIC_KEY, request.send()).await.map_err(|failure| failure.fault)?;
    let offered = known.signing_algorithms();
    let wanted = [SigningAlgorithmSpec::EcdsaSha256, SigningAlgorithmSpec::RsassaPkcs1V15Sha256];
    wanted.into_iter().find(|algorithm| offered.contains(algorithm)).ok_or_else(|| {
        let message = format!("{key_arn} signs neither with ECDSA_SHA_256 nor with RSASSA_PKCS1_V1_5_SHA_256");
        Fault::new(FaultKind::Denied, message)
    })
}
