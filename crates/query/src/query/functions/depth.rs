//! How deep the expressions of a text would be, before they are built: `1 + 2 + 3` is as deep as it is long, and
//! what is too deep cannot even be dropped.

use datafusion::logical_expr::sqlparser::dialect::Dialect;
use datafusion::logical_expr::sqlparser::keywords::Keyword;
use datafusion::logical_expr::sqlparser::tokenizer::{Token, Tokenizer};

use super::super::error::QueryError;

/// Conditions of which one must hold that may stand around one place; they are laid flat once they are read.
const CHOICES_MAX: usize = 2_000;
/// Conditions that must all hold, or texts that are joined. They are laid flat too, and the optimizer takes conditions
/// apart and chains them again, and compares chains without looking at the stack.
const JOINED_MAX: usize = 300;
/// Other operators that may stand around one place.
const OPERATORS_MAX: usize = 200;

/// Stack that must be left before the planner goes one step deeper; else it goes on with a new one. Between two of the
/// steps at which it looks it may call a hundred others.
const STACK_LEFT_BYTES: usize = 768 << 10;
/// The size of a new stack; what is not used is not taken.
const STACK_BYTES: usize = 8 << 20;

/// Lets the planner walk down deep expressions on the stacks that threads have.
pub(super) fn make_room() {
    recursive::set_minimum_stack_size(STACK_LEFT_BYTES);
    recursive::set_stack_allocation_size(STACK_BYTES);
}

/// Refuses a text whose expressions would be too deep.
///
/// # Errors
/// [`QueryError::TooDeep`]. A text that is no SQL at all is left to the parser.
pub(super) fn check(sql: &str, dialect: &dyn Dialect) -> Result<(), QueryError> {
    let Ok(tokens) = Tokenizer::new(dialect, sql).tokenize() else { return Ok(()) };
    let mut counters = [CHOICES_MAX, JOINED_MAX, OPERATORS_MAX].map(Counter::new);
    for token in &tokens {
        match step(token) {
            Step::Open => counters.iter_mut().for_each(Counter::open),
            Step::Close => counters.iter_mut().for_each(Counter::close),
            Step::Apart => counters.iter_mut().for_each(Counter::begin),
            Step::Operator(strength) => {
                // What binds less begins a new operand of what binds more.
                let (weaker, stronger) = counters.split_at_mut(strength.min(2) + 1);
                stronger.iter_mut().for_each(Counter::begin);
                weaker.last_mut().map_or(Ok(()), Counter::add)?;
            }
            Step::Nothing => {}
        }
    }
    Ok(())
}

/// Counts in each bracket that is open.
struct Counter {
    open: Vec<usize>,
    sum: usize,
    most: usize,
}

impl Counter {
    fn new(most: usize) -> Self {
        Self { open: vec![0], sum: 0, most }
    }

    fn open(&mut self) {
        self.open.push(0);
    }

    fn close(&mut self) {
        if self.open.len() > 1 {
            self.sum -= self.open.pop().unwrap_or_default();
        }
    }

    fn begin(&mut self) {
        self.sum -= self.open.last_mut().map(std::mem::take).unwrap_or_default();
    }

    fn add(&mut self) -> Result<(), QueryError> {
        self.sum += 1;
        if let Some(own) = self.open.last_mut() {
            *own += 1;
        }
        if self.sum > self.most { Err(QueryError::TooDeep(self.most)) } else { Ok(()) }
    }
}

/// What a token does to the depth.
enum Step {
    Open,
    Close,
    /// What follows is another expression.
    Apart,
    /// An operator: 0 is the weakest.
    Operator(usize),
    Nothing,
}

fn step(token: &Token) -> Step {
    match token {
        Token::LParen | Token::LBracket => Step::Open,
        Token::RParen | Token::RBracket => Step::Close,
        Token::Comma | Token::SemiColon => Step::Apart,
        Token::StringConcat => Step::Operator(1),
        Token::Word(word) => match word.keyword {
            Keyword::OR => Step::Operator(0),
            Keyword::AND => Step::Operator(1),
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE | Keyword::WHERE | Keyword::ON | Keyword::FROM => Step::Apart,
            Keyword::NOT
            | Keyword::IS
            | Keyword::AT
            | Keyword::COLLATE
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::SIMILAR
            | Keyword::IN
            | Keyword::BETWEEN
            | Keyword::XOR
            | Keyword::DIV
            | Keyword::OVERLAPS
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::CASE => Step::Operator(2),
            _ => Step::Nothing,
        },
        Token::Whitespace(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Placeholder(_)
        | Token::Period
        | Token::EOF => Step::Nothing,
        _ => Step::Operator(2),
    }
}
