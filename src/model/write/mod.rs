//! A resolved spec as a tree again, with every default stated: the text of `resolved.net`.
//!
//! The tree needs no imports and no overrides, and resolves to an equal spec.

mod body;
mod essential;
mod expr;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use body::{BodyWriter, default};
pub use essential::essential;
use expr::{
    at, boolean, call, call_expr, float, int, keyed, list, literal, named, nowhere, plain, size,
    text, word,
};
pub use settings::settings;

use super::table::Group;
use super::train::Setting;
use super::walk::locals_of_body;
use super::{
    Base, CustomLoss, Divisor, Form, LastBatch, Length, Loss, On, Permission, Scale, ScaleExpr,
    Schedule, SharpnessKind, Size, Spec, Train, Value,
};
use crate::data::{DataSpec, HeldOut, Normalize, NpyPair, Source};
use crate::syntax::ast::{
    Arg, Block, Call, Entry, Expr, ExprKind, IgnoredSpan, Item, ItemKind, Let, Net, Param,
    Spec as Tree, Train as TrainItem, UnaryOp,
};

/// The spec as a tree with every default stated.
pub fn to_ast(spec: &Spec) -> Tree {
    let mut kinds = vec![ItemKind::Data(data(&spec.data))];
    let mut locals = BTreeSet::new();
    locals_of_body(&spec.net.body, &mut locals);
    for block in spec.blocks.values() {
        locals.extend(block.params.iter().map(|param| param.name.value.clone()));
        locals_of_body(&block.body, &mut locals);
    }
    // A value whose name a body of another file uses for itself is written where it is used.
    let (inlined, kept): (Vec<_>, Vec<_>) =
        spec.lets.iter().partition(|(name, _)| locals.contains(*name));
    let inlined: BTreeMap<&str, &Value> =
        inlined.into_iter().map(|(name, value)| (name.as_str(), &value.value)).collect();
    for (name, value) in kept {
        let value = literal(&value.value);
        kinds.push(ItemKind::Let(Let { name: named(name), value }));
    }
    let mut taken = BTreeSet::new();
    for block in spec.blocks.values() {
        let visible = inlined.iter().filter(|(name, _)| block.lets.contains_key(**name));
        let mut writer =
            BodyWriter { inlined: visible.map(|(n, v)| (*n, *v)).collect(), taken: &mut taken };
        let params = block.params.iter().map(|param| Param {
            name: param.name.clone(),
            default: param.default.as_ref().map(|expr| writer.expr(expr)),
        });
        let params = params.collect();
        let body = writer.body(&block.body);
        kinds.push(ItemKind::Block(Block { name: block.name.clone(), params, body }));
    }
    if let Base::Custom(custom) = &spec.loss.base {
        kinds.push(definition(custom));
    }
    let body = BodyWriter { inlined, taken: &mut taken }.body(&spec.net.body);
    kinds.push(ItemKind::Net(Net { head: net_head(spec, &taken), body }));
    let head = loss(&spec.loss);
    kinds.push(ItemKind::Loss(crate::syntax::ast::Loss { head, body: None }));
    kinds.push(ItemKind::Train(train(&spec.train)));
    let analyze = analyze(spec);
    if !analyze.is_empty() {
        kinds.push(ItemKind::Analyze(analyze));
    }
    kinds.extend(spec.asserts.iter().cloned().map(ItemKind::Assert));
    let item = |kind| Item { docs: vec![], kind, span: IgnoredSpan(nowhere()) };
    Tree { items: kinds.into_iter().map(item).collect() }
}

fn data(data: &DataSpec) -> Call {
    let mut args = vec![];
    let name = match &data.source {
        Source::Named(set) => set.name(),
        Source::Csv(csv) => {
            args.push(plain(text(&csv.path)));
            args.push(keyed("test", test(&csv.test, |file| text(file))));
            args.extend(csv.label.iter().map(|label| keyed("label", text(label))));
            args.extend(csv.header.map(|header| keyed("header", boolean(header))));
            args.extend(csv.classes.map(|classes| keyed("classes", size(classes))));
            args.extend(label_base(csv.label_base));
            let delimiter = (csv.delimiter != ',').then(|| csv.delimiter.to_string());
            args.extend(delimiter.map(|delimiter| keyed("delimiter", text(&delimiter))));
            "csv"
        }
        Source::Npy(npy) => {
            let pair = |pair: &NpyPair| [text(&pair.images), text(&pair.labels)];
            args.extend(pair(&npy.train).map(plain));
            args.push(keyed("test", test(&npy.test, |files| list(pair(files)))));
            args.extend(npy.classes.map(|classes| keyed("classes", size(classes))));
            args.extend(label_base(npy.label_base));
            "npy"
        }
        Source::Synthetic(synthetic) => {
            args.push(plain(word(synthetic.kind.name())));
            args.push(keyed("shape", list(synthetic.shape.iter().map(|dim| size(*dim)))));
            args.push(keyed("classes", size(synthetic.classes)));
            args.push(keyed("n_train", size(synthetic.n_train)));
            args.push(keyed("n_test", size(synthetic.n_test)));
            args.push(keyed("noise", float(synthetic.noise)));
            args.push(keyed("seed", int(i64::try_from(synthetic.seed).unwrap_or(i64::MAX))));
            "synthetic"
        }
    };
    let normalize = match data.normalize {
        Normalize::Unit => "unit",
        Normalize::Half => "half",
        Normalize::Standard => "standard",
    };
    args.push(keyed("normalize", word(normalize)));
    let augment = &data.augment;
    let mut changes = vec![];
    changes.extend(augment.crop.map(|pad| call_expr("crop", [plain(size(pad))])));
    changes.extend(augment.flip.then(|| word("flip")));
    changes.extend(augment.cutout.map(|side| call_expr("cutout", [plain(size(side))])));
    let row = Group::Data.row(name);
    let takes = |key: &str| row.is_some_and(|row| row.param(key).is_some());
    if takes("augment") {
        args.push(keyed("augment", list(changes)));
    }
    args.extend(data.subset.map(|n| keyed("subset", size(n))));
    args.extend(data.test_subset.map(|n| keyed("test_subset", size(n))));
    args.extend(data.val.as_ref().map(|part| keyed("val", test(part, |file| match *file {}))));
    args.extend(data.label_noise.map(|noise| {
        let seed = keyed("seed", count(noise.seed));
        keyed("label_noise", call_expr(noise.kind.name(), [plain(float(noise.rate)), seed]))
    }));
    args.push(keyed("shuffle", boolean(data.shuffle)));
    if takes("coarse") {
        args.push(keyed("coarse", boolean(data.coarse)));
    }
    call(name, args)
}

fn test<F>(test: &HeldOut<F>, files: impl Fn(&F) -> Expr) -> Expr {
    match test {
        HeldOut::Files(given) => files(given),
        HeldOut::First(fraction) => call_expr("first", [plain(float(*fraction))]),
        HeldOut::Last(fraction) => call_expr("last", [plain(float(*fraction))]),
        HeldOut::Random { fraction, seed } => {
            call_expr("random", [plain(float(*fraction)), keyed("seed", count(*seed))])
        }
    }
}

/// Stated only where it is not 0, so that specs without it keep their text.
fn label_base(base: u32) -> Option<Arg> {
    (base != 0).then(|| keyed("label_base", int(base.into())))
}

fn net_head(spec: &Spec, taken: &BTreeSet<&'static str>) -> Call {
    let mut args = vec![];
    for param in Group::Net.rows().iter().flat_map(|row| row.params) {
        let given = spec.net.defaults.get(param.name).map(|value| literal(&value.value));
        let stated = taken.contains(param.name).then(|| default(param.default, &[])).flatten();
        args.extend(given.or(stated).map(|value| keyed(param.name, value)));
    }
    if spec.net.allow.contains(&Permission::Nonhomogeneous) {
        args.push(keyed("allow", list([word("nonhomogeneous")])));
    }
    call(&spec.net.name.value, args)
}

fn definition(custom: &CustomLoss) -> ItemKind {
    let args = custom.values.iter().map(|(name, value)| keyed(name, literal(value)));
    let head = call(&custom.name, args);
    ItemKind::Loss(crate::syntax::ast::Loss { head, body: Some(custom.body.clone()) })
}

fn loss(loss: &Loss) -> Call {
    let (name, settings) = loss.base.call();
    let base = call(name, settings.into_iter().map(setting));
    let on = |on: On| match on {
        On::Raw => keyed("on", word("raw")),
        On::Normalized => keyed("on", word("normalized")),
    };
    let (name, mut args) = match &loss.form {
        Form::Plain => return base,
        Form::SingleScale { r1 } => ("single_scale", vec![keyed("r1", scale(r1))]),
        Form::TwoScale { delta, on: test, r1, r2 } => (
            "two_scale",
            vec![
                keyed("delta", float(*delta)),
                keyed("r1", scale(r1)),
                keyed("r2", scale(r2)),
                on(*test),
            ],
        ),
        Form::Separation { delta, on: test, lambda } => (
            "two_scale",
            vec![keyed("delta", float(*delta)), keyed("lambda", scale(lambda)), on(*test)],
        ),
    };
    args.push(keyed("base", at(ExprKind::Call(base))));
    if let Some(size) = loss.size {
        let name = match size {
            Size::Weights => "weights",
            Size::Layer => "layer",
            Size::Spectral => "spectral",
            Size::Derived => "derived",
        };
        args.push(keyed("size", word(name)));
    }
    let divisor = match loss.divisor {
        Divisor::Current => "current",
        Divisor::Detached => "detached",
        Divisor::Initial => "initial",
    };
    args.push(keyed("divisor", word(divisor)));
    args.push(keyed("scale_lr", float(loss.scale_lr)));
    call(name, args)
}

fn scale(scale: &Scale) -> Expr {
    let name = if scale.trainable { "trainable" } else { "fixed" };
    call_expr(name, [plain(start(&scale.init))])
}

fn start(init: &ScaleExpr) -> Expr {
    match init {
        ScaleExpr::Number(value) => float(*value),
        ScaleExpr::Size => word("R"),
        ScaleExpr::Scale(name) => word(name),
        ScaleExpr::Neg(a) => at(ExprKind::Unary(UnaryOp::Neg, Box::new(start(a)))),
        ScaleExpr::Binary(op, a, b) => {
            at(ExprKind::Binary(*op, Box::new(start(a)), Box::new(start(b))))
        }
    }
}

fn train(train: &Train) -> TrainItem {
    let schedule = match &train.schedule {
        Schedule::Constant => word("constant"),
        Schedule::Cosine => word("cosine"),
        Schedule::Step { milestones, gamma } => {
            let milestones = list(milestones.iter().map(|epoch| count(*epoch)));
            call_expr("step", [keyed("milestones", milestones), keyed("gamma", float(*gamma))])
        }
    };
    let (name, settings) = train.optimizer.call();
    let mut args: Vec<Arg> = settings.into_iter().map(setting).collect();
    args.insert(0, keyed("lr", float(train.lr)));
    args.push(keyed("schedule", schedule));
    args.push(keyed("warmup", count(train.warmup)));
    let inner = call(name, args);
    let optimizer = match &train.sharpness {
        None => inner,
        Some(sharpness) => {
            let rho = keyed("rho", float(sharpness.rho));
            let inner = plain(at(ExprKind::Call(inner)));
            match sharpness.kind {
                SharpnessKind::Sam => call("sam", [inner, rho]),
                SharpnessKind::Asam { eta } => call("asam", [inner, rho, keyed("eta", float(eta))]),
            }
        }
    };
    let entry = |key: &str, value: Expr| Entry { key: named(key), value: Some(value) };
    let mut entries = vec![entry("batch", size(train.batch))];
    entries.push(match train.length {
        Length::Epochs(epochs) => entry("epochs", count(epochs)),
        Length::Steps(steps) => entry("steps", count(steps)),
    });
    entries.push(entry("seeds", seeds(&train.seeds)));
    // A setting younger than recorded runs is stated where it acts, so that their identity stays.
    if train.last_batch == LastBatch::Drop {
        entries.push(entry("last_batch", word("drop")));
    }
    entries.extend(train.clip.map(|norm| entry("clip", float(norm))));
    entries.extend(train.ema.map(|kept| entry("ema", float(kept))));
    entries.extend(train.best.map(|best| {
        let measure = plain(word(best.name()));
        entry("keep", call_expr("best", [measure]))
    }));
    entries.extend(train.patience.map(|epochs| entry("patience", count(epochs))));
    entries.extend(train.well_delta.map(|delta| entry("well_delta", float(delta))));
    TrainItem { optimizer, entries }
}

/// An argument of an optimiser or a loss.
fn setting((key, value): (&'static str, Setting)) -> Arg {
    match value {
        Setting::Number(value) => keyed(key, float(value)),
        Setting::Numbers(values) => keyed(key, list(values.into_iter().map(float))),
        Setting::Flag(value) => keyed(key, boolean(value)),
    }
}

fn count(value: u64) -> Expr {
    int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A range where the seeds are consecutive, else a list.
fn seeds(seeds: &[u64]) -> Expr {
    let consecutive = seeds.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match seeds {
        [seed] => count(*seed),
        [first, .., last] if consecutive => {
            at(ExprKind::Range(Box::new(count(*first)), Box::new(count(last + 1))))
        }
        _ => list(seeds.iter().map(|seed| count(*seed))),
    }
}

fn analyze(spec: &Spec) -> Vec<Entry> {
    let analyze = &spec.analyze;
    let mut entries = vec![];
    let lists = [("a", &analyze.a), ("eta", &analyze.eta), ("mu", &analyze.mu)];
    for (key, values) in lists {
        entries.extend(values.as_ref().map(|values| Entry {
            key: named(key),
            value: Some(list(values.iter().map(|value| float(*value)))),
        }));
    }
    entries.extend(analyze.k.as_ref().map(|ranks| Entry {
        key: named("k"),
        value: Some(list(ranks.iter().map(|rank| size(*rank)))),
    }));
    if analyze.conserved {
        entries.push(Entry { key: named("conserved"), value: None });
    }
    entries
}
