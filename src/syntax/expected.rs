//! Rules of the grammar in the words of its users.

use super::grammar::Rule;

/// What could stand at the place of an error, without repetition, most telling first.
pub(super) fn words(rules: &[Rule]) -> Vec<&'static str> {
    let mut out: Vec<(u8, &'static str)> = rules.iter().filter_map(|rule| word(*rule)).collect();
    out.sort_unstable();
    out.dedup();
    out.into_iter().map(|(_, word)| word).collect()
}

/// A rank for sorting and the word of a rule; `None` for rules that say nothing to a user.
#[expect(clippy::wildcard_enum_match_arm, reason = "composite rules are told by their parts")]
fn word(rule: Rule) -> Option<(u8, &'static str)> {
    Some(match rule {
        Rule::name | Rule::param | Rule::entry | Rule::declared_call => (0, "a name"),
        Rule::key | Rule::axis | Rule::setting | Rule::test => (0, "a key"),
        Rule::where_line | Rule::kw_where => (6, "`where`"),
        Rule::measure_path
        | Rule::claim_line
        | Rule::claim_sum
        | Rule::claim_product
        | Rule::claim_term
        | Rule::claim_number
        | Rule::measured
        | Rule::extreme
        | Rule::extreme_name => (1, "a measure or a number"),
        Rule::kw_of => (5, "`of`"),
        Rule::within => (6, "`+-`"),
        Rule::chosen_label | Rule::chosen => (1, "a label"),
        Rule::comparison => (3, "a comparison"),
        Rule::or | Rule::and => (3, "`&&` or `||`"),
        Rule::arg => (1, "an argument"),
        Rule::string => (1, "a string in double quotes"),
        Rule::expr
        | Rule::conditional
        | Rule::value_if
        | Rule::condition
        | Rule::operation
        | Rule::postfix
        | Rule::primary
        | Rule::prefix
        | Rule::int
        | Rule::float
        | Rule::boolean
        | Rule::list
        | Rule::group
        | Rule::call
        | Rule::value_name
        | Rule::measure_name
        | Rule::arg_chain
        | Rule::arg_step
        | Rule::choice
        | Rule::test_value => (1, "a value"),
        Rule::step | Rule::chain => (1, "a layer or a value"),
        Rule::chain_statement
        | Rule::let_statement
        | Rule::out_statement
        | Rule::repeat_statement
        | Rule::if_statement
        | Rule::kw_let
        | Rule::kw_out
        | Rule::kw_repeat
        | Rule::kw_if => (2, "a statement"),
        Rule::operator | Rule::sum_sign | Rule::product_sign => (3, "an operator"),
        Rule::args
        | Rule::open_paren
        | Rule::params
        | Rule::where_group
        | Rule::not_group
        | Rule::claim_group
        | Rule::cells => (4, "`(`"),
        Rule::close_paren => (5, "`)`"),
        Rule::index | Rule::open_bracket | Rule::choices => (4, "`[`"),
        Rule::close_bracket => (5, "`]`"),
        Rule::body
        | Rule::side
        | Rule::entries
        | Rule::open_brace
        | Rule::sweep_body
        | Rule::claim_body
        | Rule::bundle => (4, "`{`"),
        Rule::close_brace => (5, "`}`"),
        Rule::arrow => (3, "`->`"),
        Rule::dots => (6, "`..`"),
        Rule::comma => (4, "`,`"),
        Rule::colon => (6, "`:`"),
        Rule::equals => (2, "`=`"),
        Rule::kw_in => (2, "`in`"),

        Rule::kw_else => (6, "`else`"),
        Rule::EOI => (7, "the end of the item"),
        _ => return None,
    })
}
