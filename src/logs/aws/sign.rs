//! A signature over evidence by a key of KMS, which never leaves it.

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};

use super::failure;
use crate::logs::store::Fault;
use crate::logs::store::FaultKind;

/// Tells that a key of KMS can sign evidence, before there is any.
///
/// # Errors
/// When KMS refuses (`kms:GetPublicKey` is needed), or the key signs neither with ECDSA P-256 nor with RSA.
pub async fn can_sign(config: &SdkConfig, key_arn: &str) -> Result<(), Fault> {
    algorithm(&client(config, key_arn), key_arn).await.map(drop)
}

/// Signs a text with the key of an ARN, in its own region. Returns the algorithm's name and the signature.
///
/// # Errors
/// When KMS refuses (`kms:GetPublicKey` and `kms:Sign` are needed), or the key signs neither with ECDSA P-256 nor with RSA.
pub async fn sign(config: &SdkConfig, key_arn: &str, text: &str) -> Result<(String, Vec<u8>), Fault> {
    let client = client(config, key_arn);
    let algorithm = algorithm(&client, key_arn).await?;
    let request = client.sign().key_id(key_arn).message(Blob::new(text)).message_type(MessageType::Raw);
    let answer = request.signing_algorithm(algorithm.clone()).send().await;
    let answer = answer.map_err(|error| failure(&error, "Sign").fault)?;
    let value = answer.signature().map(|value| value.as_ref().to_vec()).unwrap_or_default();
    Ok((algorithm.as_str().to_owned(), value))
}

fn client(config: &SdkConfig, key_arn: &str) -> Client {
    let region = key_arn.split(':').nth(3).filter(|region| !region.is_empty()).map(str::to_owned);
    let config = match region {
        Some(region) => config.to_builder().region(SdkRegion::new(region)).build(),
        None => config.clone(),
    };
    Client::new(&config)
}

async fn algorithm(client: &Client, key_arn: &str) -> Result<SigningAlgorithmSpec, Fault> {
    let known = client.get_public_key().key_id(key_arn).send().await;
    let known = known.map_err(|error| failure(&error, "GetPublicKey").fault)?;
    let offered = known.signing_algorithms();
    let wanted = [SigningAlgorithmSpec::EcdsaSha256, SigningAlgorithmSpec::RsassaPkcs1V15Sha256];
    wanted.into_iter().find(|algorithm| offered.contains(algorithm)).ok_or_else(|| {
        let message = format!("{key_arn} signs neither with ECDSA_SHA_256 nor with RSASSA_PKCS1_V1_5_SHA_256");
        Fault::new(FaultKind::Denied, message)
    })
}
