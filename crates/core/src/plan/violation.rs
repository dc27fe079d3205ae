//! What the documents let happen and should not, and what ends it.

use serde::{Deserialize, Serialize};

use super::finding::Harm;
use crate::estate::{Address, Kind, StatementRef};
use crate::policy::isolation::Invariant;

/// A counter-example to an invariant of isolation: a request that is allowed and should not be, or the reverse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The resource whose document is to blame.
    pub address: Address,
    /// What does not hold.
    pub invariant: Invariant,
    /// Who can, or cannot.
    pub principal: String,
    /// Do what.
    pub action: String,
    /// To what.
    pub resource: String,
    /// The statement to blame, in words; none where one is missing.
    pub statement: Option<String>,
    /// Who wrote that statement. None where it stands in no policy that others write to, or where no statement is to
    /// blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
}

/// Who wrote a statement of a bucket's, a key's or a topic's policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// orgtrail, by a template.
    Template,
    /// Others, in a policy that orgtrail writes to as well: it can be taken out by this name.
    Others(StatementRef),
    /// Anybody, in a policy that orgtrail never writes to: where earlier logs lie, or of a key that is not its own.
    Elsewhere,
}

impl Violation {
    /// Returns the statement of others that allows what it should not: what `--close` takes out. A statement that
    /// denies is never among them, because taking it out opens something.
    pub fn opened_by(&self) -> Option<&StatementRef> {
        self.of_others().filter(|_| self.invariant.is_broken_by_allow())
    }

    /// Returns the statement of others that is to blame; none where there is none that could be taken out by its name.
    pub fn of_others(&self) -> Option<&StatementRef> {
        match &self.author {
            Some(Author::Others(statement)) => Some(statement),
            _ => None,
        }
    }

    /// Returns what it does as long as it stays.
    pub fn harm(&self) -> Harm {
        match self.invariant {
            // The queue has no logs: it tells the daemon that something has changed.
            _ if self.address.kind == Kind::Queue => Harm::LessProtected,
            Invariant::ReadsOnlyOwn
            | Invariant::ListsOnlyOwn
            | Invariant::WritesNothing
            | Invariant::DecryptsOnlyLogs
            | Invariant::AssumedOnlyByItsAccount
            | Invariant::NobodyOutside
            | Invariant::NobodyElseAdministers
            | Invariant::NothingLeadsOut => Harm::LogsExposed,
            Invariant::ReadsOwn
            | Invariant::MfaRequired
            | Invariant::ExternalIdRequired
            | Invariant::PlainHttpRefused => Harm::LessProtected,
        }
    }

    /// Returns what to do about it: the command to run, where there is one.
    pub fn repair(&self) -> String {
        let place = format!("the {} {}", self.address.kind.words(), self.address.name);
        let statement = self.statement.as_deref().unwrap_or_default();
        match (&self.author, self.invariant) {
            (None, _) if self.address.kind == Kind::LogGroup && !statement.is_empty() => format!(
                "orgtrail writes no resource policies of CloudWatch Logs: put the {} again without the statement (`aws logs \
                 put-resource-policy`), or delete it (`aws logs delete-resource-policy`)",
                statement.split(" Statement[").next().unwrap_or(statement)
            ),
            (None, _) if self.address.kind == Kind::Key && statement.starts_with("grant ") => {
                format!("take the {statement} of {place} back: `aws kms revoke-grant`")
            }
            (Some(Author::Others(statement)), invariant) if invariant.is_broken_by_allow() => format!(
                "`orgtrail apply --close --allow destroys` takes out each statement of others that breaks isolation, with \
                 `--destroy '{statement}'` instead of `--close` only this one; `orgtrail plan --close` shows it first. Others \
                 wrote it into {place}"
            ),
            (Some(Author::Others(statement)), _) => format!(
                "`orgtrail apply --destroy '{statement}' --allow weakens,destroys` takes the statement out, which others wrote \
                 into {place}; or let the readers off in it"
            ),
            (Some(Author::Template), _) => {
                format!("the template of {place} allows it: correct the template in --policies, then `orgtrail apply`")
            }
            (Some(Author::Elsewhere), _) => format!("orgtrail does not write {place}: take the statement out there"),
            (None, Invariant::NobodyElseAdministers) => {
                "change who can become it, or name it under `bucket.administrators` if that is meant".to_owned()
            }
            (None, Invariant::NothingLeadsOut) => {
                format!(
                    "end what leads out of {place}, or name its account under `bucket.trusted_readers` if that is meant"
                )
            }
            (None, _) if self.statement.is_some() => format!(
                "`orgtrail apply` sets {place} as its template says; where the template, a boundary or a control \
                 policy says it, correct that"
            ),
            (None, _) => {
                format!("`orgtrail access --live` shows what is missing; `orgtrail apply` sets {place} as wanted")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(invariant: Invariant, author: Option<Author>) -> Violation {
        Violation {
            address: "222222222222/eu-central-1/topic/acme-org-trail".parse().unwrap(),
            invariant,
            principal: "arn:aws:iam::333333333333:root".into(),
            action: "sns:SetTopicAttributes".into(),
            resource: "arn:aws:sns:eu-central-1:222222222222:acme-org-trail".into(),
            statement: Some("policy of topic acme-org-trail Statement[1] (OrgtrailIsNotInIt)".into()),
            author,
        }
    }

    #[test]
    fn who_wrote_a_statement_decides_what_ends_it_and_no_text_does() {
        let named: StatementRef = "222222222222/eu-central-1/topic/acme-org-trail#Theirs".parse().unwrap();
        let others = || Some(Author::Others(named.clone()));
        let open = violation(Invariant::WritesNothing, others());
        assert_eq!(open.opened_by(), Some(&named));
        assert!(open.repair().contains("--close --allow destroys"), "{}", open.repair());
        // Taking a denial away opens something: only a person who names it does.
        let shut = violation(Invariant::ReadsOwn, others());
        assert_eq!((shut.opened_by(), shut.of_others()), (None, Some(&named)));
        assert!(shut.repair().contains(&format!("--destroy '{named}' --allow weakens,destroys")), "{}", shut.repair());
        for (author, word) in [
            (Some(Author::Template), "--policies"),
            (Some(Author::Elsewhere), "does not write"),
            (None, "template says"),
        ] {
            let violation = violation(Invariant::WritesNothing, author);
            assert_eq!((violation.opened_by(), violation.of_others()), (None, None));
            let repair = violation.repair();
            assert!(repair.contains(word) && !repair.contains("--close") && !repair.contains("--destroy"), "{repair}");
        }
    }
}
