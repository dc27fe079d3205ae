//! An organization to test with: twelve accounts in four units, one of them suspended.
//!
//! ```text
//! Root            management
//!   Security      log-archive, audit
//!   Workloads     network, shared
//!     Production  web, api, data, billing
//!   Sandbox       sandbox-a, sandbox-b, sandbox-old (suspended)
//! ```

use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_organizations::types::{OrganizationFeatureSet, PolicyType, Tag};
use orgtrail::cloud::aws::StartCredentials;
use orgtrail::ids::{AccountId, OrganizationId};

use super::Emulator;

/// The account that moto gives to credentials which it does not know.
pub const MANAGEMENT: &str = "123456789012";

/// Where the deployments of the tests are at home.
pub const HOME: &str = "eu-central-1";

/// The role that Organizations makes in each account that it creates.
pub const MEMBER_ROLE: &str = "OrganizationAccountAccessRole";

/// Each unit with its parent and its accounts.
const UNITS: [(&str, &str, &[&str]); 4] = [
    ("Security", "Root", &["log-archive", "audit"]),
    ("Workloads", "Root", &["network", "shared"]),
    ("Production", "Workloads", &["web", "api", "data", "billing"]),
    ("Sandbox", "Root", &["sandbox-a", "sandbox-b", "sandbox-old"]),
];

const SUSPENDED: &str = "sandbox-old";

/// The organization in an emulator.
pub struct World {
    backend: String,
    /// Its id.
    pub organization: OrganizationId,
    /// Unit name -> id; `Root` is one of them.
    pub units: BTreeMap<String, String>,
    /// Account name -> id.
    pub accounts: BTreeMap<String, AccountId>,
}

impl World {
    /// Makes the organization of twelve accounts, the management account included.
    pub async fn twelve_accounts(emulator: &Emulator) -> Self {
        let world = Self::of(emulator, &UNITS).await;
        let client = aws_sdk_organizations::Client::new(&world.management());
        client.close_account().account_id(world.account(SUSPENDED).as_str()).send().await.unwrap();
        world
    }

    /// Makes an organization in which a round costs little: the management account, `log-archive` and `web`.
    pub async fn three_accounts(emulator: &Emulator) -> Self {
        Self::of(emulator, &[("Workloads", "Root", &["log-archive", "web"])]).await
    }

    async fn of(emulator: &Emulator, units: &[(&str, &str, &[&str])]) -> Self {
        let config = config(emulator.backend(), Credentials::new("test", "test", None, None, "test"));
        let client = aws_sdk_organizations::Client::new(&config);
        let made = client.create_organization().feature_set(OrganizationFeatureSet::All).send().await.unwrap();
        let organization = made.organization().unwrap().id().unwrap().parse().unwrap();
        let roots = client.list_roots().send().await.unwrap();
        let root = roots.roots()[0].id().unwrap().to_owned();
        // As in an organization that a guard can be made in.
        let controls = client.enable_policy_type().root_id(&root).policy_type(PolicyType::ServiceControlPolicy);
        controls.send().await.unwrap();
        let mut world = World {
            backend: emulator.backend().to_owned(),
            organization,
            units: BTreeMap::from([("Root".to_owned(), root)]),
            accounts: BTreeMap::from([("management".to_owned(), MANAGEMENT.parse().unwrap())]),
        };
        for (unit, parent, accounts) in units {
            let parent = &world.units[*parent];
            let made = client.create_organizational_unit().name(*unit).parent_id(parent).send().await.unwrap();
            world.units.insert((*unit).into(), made.organizational_unit().unwrap().id().unwrap().into());
            for account in *accounts {
                world.add_account(account, unit).await;
            }
        }
        world
    }

    /// Adds an account to a unit, as somebody else's tool would.
    pub async fn add_account(&mut self, name: &str, unit: &str) -> AccountId {
        let client = aws_sdk_organizations::Client::new(&self.management());
        let tag = Tag::builder().key("team").value(name).build().unwrap();
        let request = client.create_account().account_name(name).email(format!("{name}@example.com")).tags(tag);
        let made = request.send().await.unwrap();
        let id: AccountId = made.create_account_status().unwrap().account_id().unwrap().parse().unwrap();
        let request = client.move_account().account_id(id.as_str()).source_parent_id(&self.units["Root"]);
        request.destination_parent_id(&self.units[unit]).send().await.unwrap();
        self.accounts.insert(name.into(), id.clone());
        id
    }

    /// Returns the id of an account.
    pub fn account(&self, name: &str) -> &AccountId {
        &self.accounts[name]
    }

    /// Returns the log account.
    pub fn log(&self) -> &AccountId {
        self.account("log-archive")
    }

    /// Returns the credentials of the management account, for the program under test.
    pub fn start_credentials() -> StartCredentials {
        StartCredentials { access_key: "test".into(), secret: "test".into() }
    }

    /// Returns a configuration with which a test works in the management account, past the proxy.
    pub fn management(&self) -> SdkConfig {
        config(&self.backend, Credentials::new("test", "test", None, None, "test"))
    }

    /// Returns credentials of another account.
    pub async fn credentials_of(&self, name: &str) -> StartCredentials {
        let client = aws_sdk_sts::Client::new(&self.management());
        let arn = format!("arn:aws:iam::{}:role/{MEMBER_ROLE}", self.account(name));
        let given = client.assume_role().role_arn(arn).role_session_name("hand").send().await.unwrap();
        let given = given.credentials().unwrap();
        StartCredentials { access_key: given.access_key_id().into(), secret: given.secret_access_key().into() }
    }

    /// Returns the account that an access key belongs to.
    pub async fn account_of(&self, access_key: &str) -> AccountId {
        let credentials = Credentials::new(access_key, "test", None, None, "test");
        let client = aws_sdk_sts::Client::new(&config(&self.backend, credentials));
        client.get_caller_identity().send().await.unwrap().account().unwrap().parse().unwrap()
    }

    /// Returns a configuration with which a test works in another account, past the proxy.
    pub async fn hand_in(&self, name: &str) -> SdkConfig {
        let given = self.credentials_of(name).await;
        config(&self.backend, Credentials::new(given.access_key, given.secret, None, None, "test"))
    }
}

fn config(endpoint: &str, credentials: Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(HOME))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .build()
}
