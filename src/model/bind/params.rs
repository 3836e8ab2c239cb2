//! Arguments of blocks and of losses defined in a spec, whose parameters are no rows of the table.

use super::arg_span;
use crate::diag::{Diagnostics, Span, ToDiagnostic, nearest};
use crate::model::ModelError;
use crate::syntax::ast::{Arg, Call, Expr, Param};

/// The expression of each parameter of a block or a loss definition; `None` where the default holds.
///
/// Reports unknown, duplicate, surplus and missing arguments; returns `None` then.
pub fn bind_block<'a>(
    name: &str,
    params: &'a [Param],
    call: &'a Call,
    span: Span,
    errors: &mut Diagnostics,
) -> Option<Vec<(&'a Param, Option<&'a Expr>)>> {
    let signature = || {
        let params = params.iter().map(|param| match &param.default {
            Some(_) => format!("{}=…", param.name.value),
            None => param.name.value.clone(),
        });
        format!("{name}({})", params.collect::<Vec<_>>().join(", "))
    };
    let mut bound: Vec<(&Param, Option<&Arg>)> = params.iter().map(|param| (param, None)).collect();
    let mut sound = true;
    let mut position = 0;
    for arg in &call.args {
        let slot = if let Some(key) = &arg.key {
            bound.iter().position(|(param, _)| param.name.value == key.value)
        } else {
            position += 1;
            (position <= params.len()).then(|| position - 1)
        };
        let Some(slot) = slot else {
            let key = arg.key.as_ref();
            let known = params.iter().map(|param| param.name.value.as_str());
            let error = ModelError::UnknownArgument {
                callee: name.to_owned(),
                key: key.map(|key| key.value.clone()),
                nearest: key.and_then(|key| nearest(&key.value, known)).map(str::to_owned),
                signature: signature(),
                hint: None,
                span: key.map_or(arg.value.span, |key| key.span),
            };
            errors.push(error.to_diagnostic());
            sound = false;
            continue;
        };
        if let Some(first) = bound[slot].1 {
            let error = ModelError::DuplicateArgument {
                callee: name.to_owned(),
                key: bound[slot].0.name.value.clone(),
                first: arg_span(first),
                span: arg_span(arg),
            };
            errors.push(error.to_diagnostic());
            sound = false;
        } else {
            bound[slot].1 = Some(arg);
        }
    }
    for (param, arg) in &bound {
        if sound && arg.is_none() && param.default.is_none() {
            let error = ModelError::MissingArgument {
                callee: name.to_owned(),
                key: param.name.value.clone(),
                doc: "it has no default".into(),
                signature: signature(),
                span,
            };
            errors.push(error.to_diagnostic());
            return None;
        }
    }
    let pairs = bound.into_iter().map(|(param, arg)| (param, arg.map(|arg| &arg.value)));
    sound.then(|| pairs.collect())
}
