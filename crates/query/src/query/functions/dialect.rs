//! The syntax that questions are read in: Trino's, and what does not contradict it of the general one.

use std::any::TypeId;

use datafusion::logical_expr::sqlparser::ast::{CastKind, DataType, Expr, Ident, ObjectName};
use datafusion::logical_expr::sqlparser::dialect::{Dialect, GenericDialect, Precedence};
use datafusion::logical_expr::sqlparser::keywords::Keyword;
use datafusion::logical_expr::sqlparser::parser::{Parser, ParserError};
use datafusion::logical_expr::sqlparser::tokenizer::Token;

/// Trino's syntax, as Athena and CloudTrail Lake read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trino;

/// How many tokens the name of a type may have: `map(varchar, array(row(name varchar, value varchar)))` has 17.
const TYPE_TOKENS_MAX: usize = 256;

impl Dialect for Trino {
    fn dialect(&self) -> TypeId {
        // Where the parser asks by name, the general syntax is the nearest.
        TypeId::of::<GenericDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        GenericDialect.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || matches!(ch, '_' | '$' | '@')
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_left_associative_joins_without_parens(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_within_after_array_aggregation(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_explain_with_utility_options(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_projection_trailing_commas(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let Token::Word(word) = &parser.peek_token_ref().token else { return None };
        let kind = match word.keyword {
            Keyword::CAST if word.quote_style.is_none() => CastKind::Cast,
            Keyword::TRY_CAST if word.quote_style.is_none() => CastKind::TryCast,
            _ => return None,
        };
        (parser.peek_nth_token_ref(1).token == Token::LParen).then(|| cast(parser, kind))
    }

    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, _precedence: u8) -> Option<Result<Expr, ParserError>> {
        let is_not = if parser.parse_keywords(&[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM]) {
            true
        } else if parser.parse_keywords(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) {
            false
        } else {
            return None;
        };
        Some(distinct(parser, expr, is_not))
    }
}

/// Reads what stands behind `IS [NOT] DISTINCT FROM`: a value, not a condition. The parser itself would take
/// `a IS DISTINCT FROM b AND c` for `a IS DISTINCT FROM (b AND c)`.
fn distinct(parser: &mut Parser, expr: &Expr, is_not: bool) -> Result<Expr, ParserError> {
    let right = Box::new(parser.parse_subexpr(Trino.prec_value(Precedence::Eq))?);
    let left = Box::new(expr.clone());
    Ok(if is_not { Expr::IsNotDistinctFrom(left, right) } else { Expr::IsDistinctFrom(left, right) })
}

/// Reads `CAST(value AS type)` with Trino's types: `array(json)`, `map(varchar, json)`, `row(name varchar)`.
fn cast(parser: &mut Parser, kind: CastKind) -> Result<Expr, ParserError> {
    parser.next_token();
    parser.expect_token(&Token::LParen)?;
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_keyword_is(Keyword::AS)?;
    let data_type = match nested_type(parser)? {
        Some(name) => DataType::Custom(ObjectName::from(vec![Ident::with_quote('"', name)]), Vec::new()),
        None => parser.parse_data_type()?,
    };
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Cast { kind, expr, data_type, array: false, format: None })
}

/// Takes the name of a nested type, or of JSON. `None`: another type comes, nothing is taken.
fn nested_type(parser: &mut Parser) -> Result<Option<String>, ParserError> {
    let Token::Word(word) = &parser.peek_token_ref().token else { return Ok(None) };
    let name = word.value.to_lowercase();
    match name.as_str() {
        "json" => {
            parser.next_token();
            return Ok(Some(name));
        }
        "array" | "map" | "row" if parser.peek_nth_token_ref(1).token == Token::LParen => {}
        _ => return Ok(None),
    }
    let (mut text, mut depth) = (String::new(), 0_usize);
    for _ in 0..TYPE_TOKENS_MAX {
        let token = parser.next_token().token;
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::EOF => break,
            _ => {}
        }
        text.push_str(&token.to_string());
        text.push(' ');
        if token == Token::RParen && depth == 0 {
            return Ok(Some(text));
        }
    }
    Err(ParserError::ParserError(format!("the type that begins with {name} does not end")))
}
