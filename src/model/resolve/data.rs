//! The `data` item.

use super::ResolveContext;
use crate::data::{
    Augment, CsvSource, DataSpec, Description, HeldOut, LabelNoise, NamedSet, NoiseKind, Normalize,
    NpyPair, NpySource, Source, Synthetic, SyntheticKind,
};
use crate::diag::{Diagnostics, Span, ToDiagnostic};
use crate::model::bind::{
    Bound, Reader, as_call, as_items, as_text, bind, call_span, looks_like, named_row, wrong_type,
};
use crate::model::eval::eval;
use crate::model::table::{Group, ParamRow};
use crate::model::{ModelError, Scope};
use crate::syntax::ast::{Call, Expr, ExprKind};

/// The data with what the network must know of it.
pub(super) struct Data {
    pub(super) spec: DataSpec,
    pub(super) form: Description,
    pub(super) span: Span,
}

pub(super) fn resolve(
    call: &Call,
    span: Span,
    scope: &dyn Scope,
    ctx: &ResolveContext<'_>,
    errors: &mut Diagnostics,
) -> Option<Data> {
    let row = named_row(Group::Data, call, errors)?;
    let bound = bind(row, call, call_span(call), errors);
    let source = source(&bound, scope, errors);
    let takes = |key: &str| row.param(key).is_some();
    let augment = bound
        .given("augment")
        .map_or_else(|| Some(Augment::default()), |expr| augment(expr, scope, errors));
    let val = match bound.given("val") {
        None => Some(None),
        Some(expr) => part(&bound, "val", "random", expr, scope, errors).map(Some),
    };
    let label_noise = match bound.given("label_noise") {
        None => Some(None),
        Some(expr) => label_noise(&bound, expr, scope, errors).map(Some),
    };
    let mut reader = Reader::new(&bound, scope, errors);
    let normalize = reader.word("normalize").map(|word| match word.as_str() {
        "half" => Normalize::Half,
        "standard" => Normalize::Standard,
        _ => Normalize::Unit,
    });
    let subset = reader.optional_int("subset");
    let test_subset = reader.optional_int("test_subset");
    let shuffle = reader.bool("shuffle");
    let coarse = if takes("coarse") { reader.bool("coarse") } else { Some(false) };
    let count = |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok());
    let spec = DataSpec {
        source: source?,
        normalize: normalize?,
        subset: count(subset?),
        test_subset: count(test_subset?),
        val: val?,
        label_noise: label_noise?,
        shuffle: shuffle?,
        coarse: coarse?,
        augment: augment?,
    };
    if !bound.complete {
        return None;
    }
    match (ctx.describe)(&spec) {
        Ok(form) => Some(Data { spec, form, span }),
        Err(error) => {
            errors.push(error.label(call_span(call), "asked for here"));
            None
        }
    }
}

fn source(bound: &Bound<'_>, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<Source> {
    if let Some(set) = NamedSet::from_name(bound.row.name) {
        return Some(Source::Named(set));
    }
    match bound.row.name {
        "csv" => {
            let test = match bound.given("test") {
                None => Some(HeldOut::Last(0.2)),
                Some(expr) => match as_text(expr) {
                    Some(file) => Some(HeldOut::Files(file.to_owned())),
                    None => part(bound, "test", "last", expr, scope, errors),
                },
            };
            let mut reader = Reader::new(bound, scope, errors);
            let path = reader.text("file");
            let label = reader.text("label");
            let header = reader.optional_bool("header");
            let classes = reader.optional_int("classes");
            let label_base = reader.int("label_base");
            let delimiter = delimiter(&mut reader);
            Some(Source::Csv(CsvSource {
                path: path??,
                test: test?,
                label: label?,
                header: header?,
                classes: classes?.and_then(|classes| usize::try_from(classes).ok()),
                label_base: u32::try_from(label_base?).unwrap_or(0),
                delimiter: delimiter?,
            }))
        }
        "npy" => {
            let test = match bound.given("test") {
                None => Some(HeldOut::Last(0.2)),
                Some(expr) => match pair_of_files(expr) {
                    Some(pair) => Some(HeldOut::Files(pair)),
                    None => part(bound, "test", "last", expr, scope, errors),
                },
            };
            let mut reader = Reader::new(bound, scope, errors);
            let images = reader.text("images");
            let labels = reader.text("labels");
            let classes = reader.optional_int("classes");
            let label_base = reader.int("label_base");
            Some(Source::Npy(NpySource {
                train: NpyPair { images: images??, labels: labels?? },
                test: test?,
                classes: classes?.and_then(|classes| usize::try_from(classes).ok()),
                label_base: u32::try_from(label_base?).unwrap_or(0),
            }))
        }
        _ => synthetic(bound, scope, errors).map(Source::Synthetic),
    }
}

fn synthetic(bound: &Bound<'_>, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<Synthetic> {
    let mut reader = Reader::new(bound, scope, errors);
    let kind = reader.word("kind");
    let shape = reader.sizes("shape");
    let classes = reader.size("classes");
    let n_train = reader.size("n_train");
    let n_test = reader.size("n_test");
    let noise = reader.float("noise");
    let seed = reader.int("seed");
    Some(Synthetic {
        kind: match kind?.as_str() {
            "spirals" => SyntheticKind::Spirals,
            "moons" => SyntheticKind::Moons,
            _ => SyntheticKind::Blobs,
        },
        shape: shape?.unwrap_or_else(|| vec![2]),
        classes: classes?,
        n_train: n_train?,
        n_test: n_test?,
        noise: noise?,
        seed: u64::try_from(seed?).unwrap_or(0),
    })
}

/// `delimiter=";"`: one character.
fn delimiter(reader: &mut Reader<'_, '_>) -> Option<char> {
    let Some(written) = reader.text("delimiter")? else { return Some(',') };
    let mut chars = written.chars();
    if let (Some(one), "") = (chars.next(), chars.as_str()) {
        return Some(one);
    }
    let error = ModelError::OutOfRange {
        what: "`delimiter`".to_owned(),
        value: format!("\"{}\"", written.escape_default()),
        range: "one character, such as `\";\"` or `\"\\t\"`".to_owned(),
        span: reader.bound.place("delimiter"),
    };
    reader.errors.push(error.to_diagnostic());
    None
}

/// `symmetric(0.2)`, `pairs(0.2, seed=1)`.
fn label_noise(
    bound: &Bound<'_>,
    expr: &Expr,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<LabelNoise> {
    let Some(call) = as_call(expr) else {
        wrong_type(bound.row.param("label_noise")?, looks_like(expr), expr.span, errors);
        return None;
    };
    let row = named_row(Group::LabelNoise, call, errors)?;
    let bound = bind(row, call, expr.span, errors);
    let mut reader = Reader::new(&bound, scope, errors);
    let (rate, seed) = (reader.float("rate"), reader.int("seed"));
    let kind = if row.name == "pairs" { NoiseKind::Pairs } else { NoiseKind::Symmetric };
    let noise = LabelNoise { kind, rate: rate?, seed: u64::try_from(seed?).unwrap_or(0) };
    bound.complete.then_some(noise)
}

/// `0.2`, `random(0.2)`, `random(0.2, seed=1)`, `first(0.2)` or `last(0.2)`; a number alone is a `usual` one.
fn part<F>(
    bound: &Bound<'_>,
    name: &str,
    usual: &'static str,
    expr: &Expr,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<HeldOut<F>> {
    let param = bound.row.param(name)?;
    let call = as_call(expr).filter(|call| call.parens);
    let (name, number, seed) = match call {
        Some(call) => match (call.callee.value.as_str(), call.args.as_slice()) {
            (name @ ("first" | "last" | "random"), [arg]) if arg.key.is_none() => {
                (name, &arg.value, None)
            }
            ("random", [arg, seed])
                if arg.key.is_none()
                    && seed.key.as_ref().is_some_and(|key| key.value == "seed") =>
            {
                ("random", &arg.value, Some(&seed.value))
            }
            _ => {
                wrong_type(param, looks_like(expr), expr.span, errors);
                return None;
            }
        },
        None => (usual, expr, None),
    };
    let mut value = |expr: &Expr| {
        let is_number = !matches!(expr.value, ExprKind::Str(_) | ExprKind::List(_));
        let value = if is_number { Some(eval(expr, scope, errors)?) } else { None };
        if value.is_none() {
            wrong_type(param, looks_like(expr), expr.span, errors);
        }
        value
    };
    let fraction = value(number)?;
    let seed = match seed {
        Some(expr) => value(expr)?.int().and_then(|seed| u64::try_from(seed).ok()),
        None => Some(0),
    };
    let (Some(fraction), Some(seed)) = (fraction.number(), seed) else {
        wrong_type(param, looks_like(expr), expr.span, errors);
        return None;
    };
    if !param.range.holds(fraction) {
        errors.push(out_of_range(param, fraction, number.span));
        return None;
    }
    Some(match name {
        "first" => HeldOut::First(fraction),
        "random" => HeldOut::Random { fraction, seed },
        _ => HeldOut::Last(fraction),
    })
}

fn out_of_range(param: &ParamRow, value: f64, span: Span) -> crate::diag::Diagnostic {
    ModelError::OutOfRange {
        what: format!("`{}`", param.name),
        value: value.to_string(),
        range: param.range.words(),
        span,
    }
    .to_diagnostic()
}

fn pair_of_files(expr: &Expr) -> Option<NpyPair> {
    let ExprKind::List(items) = &expr.value else { return None };
    let [images, labels] = items.as_slice() else { return None };
    let (images, labels) = (as_text(images)?, as_text(labels)?);
    Some(NpyPair { images: images.to_owned(), labels: labels.to_owned() })
}

fn augment(expr: &Expr, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<Augment> {
    let mut augment = Augment::default();
    let mut sound = true;
    let mut seen: Vec<(&str, Span)> = vec![];
    for item in as_items(expr) {
        let Some(call) = as_call(item) else {
            let param = Group::Data.row("mnist").and_then(|row| row.param("augment"))?;
            wrong_type(param, looks_like(item), item.span, errors);
            sound = false;
            continue;
        };
        let Some(row) = named_row(Group::Augment, call, errors) else {
            sound = false;
            continue;
        };
        if let Some((_, first)) = seen.iter().find(|(name, _)| *name == row.name) {
            let error = ModelError::DuplicateArgument {
                callee: "augment".into(),
                key: row.name.to_owned(),
                first: *first,
                span: item.span,
            };
            errors.push(error.to_diagnostic());
            sound = false;
            continue;
        }
        seen.push((row.name, item.span));
        let bound = bind(row, call, item.span, errors);
        sound &= bound.complete;
        let mut reader = Reader::new(&bound, scope, errors);
        match row.name {
            "crop" => augment.crop = reader.size("pad"),
            "cutout" => augment.cutout = reader.size("size"),
            _ => augment.flip = true,
        }
        sound &= row.name != "crop" || augment.crop.is_some();
        sound &= row.name != "cutout" || augment.cutout.is_some();
    }
    sound.then_some(augment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_of_files_is_two_texts() {
        let span = Span::new(crate::diag::FileId(0), 0, 0);
        let text = |text: &str| Expr::new(ExprKind::Str(text.into()), span);
        let list = Expr::new(ExprKind::List(vec![text("x.npy"), text("y.npy")]), span);
        let pair = NpyPair { images: "x.npy".into(), labels: "y.npy".into() };
        assert_eq!(pair_of_files(&list), Some(pair));
        assert_eq!(pair_of_files(&text("x.npy")), None);
    }
}
