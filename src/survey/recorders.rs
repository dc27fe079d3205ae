//! AWS Config in the accounts and regions: asked where somebody wants to know it, beside the survey and after it.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use crate::cloud::{CloudFault, CloudReader, Progress};
use crate::estate::{Problem, Stage};
use crate::ids::{AccountId, Region};
use crate::recorders::{AccountRecorders, Recorders};

/// What is asked, and how.
pub struct RecorderSurvey<'a> {
    /// Where to look.
    pub look: &'a dyn CloudReader,
    /// How many accounts and regions are asked at a time.
    pub at_once: usize,
    /// The only region that is asked about; `None` for every enabled one.
    pub region: Option<&'a Region>,
    /// Shown to people.
    pub progress: &'a dyn Progress,
}

type Asked = (AccountId, Result<BTreeSet<Region>, Problem>);

impl RecorderSurvey<'_> {
    /// Asks for the recorder in each enabled region of each account, and before for the regions where they are not
    /// known yet. Returns that nothing is recorded where the answers come from a recorded estate.
    pub async fn recorders(&self, accounts: impl IntoIterator<Item = (AccountId, Option<Vec<Region>>)>) -> Recorders {
        let accounts: Vec<(AccountId, Option<Vec<Region>>)> = accounts.into_iter().collect();
        let Some(regions) = self.regions(accounts).await else { return Recorders::NotRecorded };
        let mut known = BTreeMap::new();
        let mut places = Vec::new();
        for (account, answer) in regions {
            let found = match answer {
                Ok(regions) => {
                    places.extend(regions.into_iter().map(|region| (account.clone(), region)));
                    AccountRecorders::Regions(BTreeMap::new())
                }
                Err(problem) => AccountRecorders::Unreadable(problem),
            };
            known.insert(account, found);
        }
        let total = places.len();
        let ask = async |(account, region): (AccountId, Region)| {
            (self.look.recorder(&account, &region).await, account, region)
        };
        let mut answers = stream::iter(places).map(ask).buffer_unordered(self.at_once).enumerate();
        while let Some((before, (answer, account, region))) = answers.next().await {
            self.progress.step("regions of AWS Config", before + 1, total);
            let Some(answer) = told(answer) else { return Recorders::NotRecorded };
            if let Some(AccountRecorders::Regions(regions)) = known.get_mut(&account) {
                regions.insert(region, answer);
            }
        }
        Recorders::Known(known)
    }

    /// Returns the regions of each account that are asked about; nothing where none are recorded.
    async fn regions(&self, accounts: Vec<(AccountId, Option<Vec<Region>>)>) -> Option<Vec<Asked>> {
        let total = accounts.len();
        let ask = async |(account, known): (AccountId, Option<Vec<Region>>)| match known {
            Some(regions) => (Ok(Some(regions)), account),
            None => (self.look.regions(&account).await, account),
        };
        let mut answers = stream::iter(accounts).map(ask).buffered(self.at_once).enumerate();
        let mut all = Vec::new();
        while let Some((before, (answer, account))) = answers.next().await {
            self.progress.step("accounts' regions", before + 1, total);
            let wanted = |region: &Region| self.region.is_none_or(|only| only == region);
            let regions = told(answer)?;
            all.push((account, regions.map(|regions| regions.into_iter().filter(wanted).collect())));
        }
        Some(all)
    }
}

/// What is not recorded is not known at all.
fn told<T>(answer: Result<Option<T>, CloudFault>) -> Option<Result<T, Problem>> {
    answer.map_err(|fault| fault.problem(Stage::Observe, None)).transpose()
}
