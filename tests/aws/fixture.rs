//! What the tests of the adapter share: a connection, and the estate of a small deployment.

use orgtrail::cloud::aws::{Aws, AwsOptions, StartCredentials};

use crate::support::world::{HOME, MEMBER_ROLE};
use crate::support::{Emulator, World};

pub fn options(emulator: &Emulator) -> AwsOptions {
    AwsOptions {
        profile: None,
        home_region: HOME.parse().unwrap(),
        endpoint: Some(emulator.endpoint().to_owned()),
        credentials: Some(World::start_credentials()),
        member_role: MEMBER_ROLE.into(),
        session_name: "orgtrail-test".into(),
        concurrency: 16,
        read_only: false,
        tempo: None,
    }
}

pub async fn connect(emulator: &Emulator) -> Aws {
    Aws::connect(options(emulator)).await.unwrap()
}

pub async fn connect_as(emulator: &Emulator, credentials: StartCredentials) -> Aws {
    Aws::connect(AwsOptions { credentials: Some(credentials), ..options(emulator) }).await.unwrap()
}
