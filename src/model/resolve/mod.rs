//! From the tree to the model: names found, defaults filled in, overrides applied.
//!
//! In: a tree, a loader for imports, a description of the data, overrides. Out: a [`Spec`] in which nothing is left to
//! default, or every independent problem at once.

mod analyze;
mod body;
mod choose;
mod data;
mod decide;
mod import;
mod library;
mod loss;
mod net;
mod overrides;
mod train;

pub use analyze::stated_analysis;

use std::collections::{BTreeMap, BTreeSet};

use super::table::Group;
use super::{
    Analyze, Base, Divisor, Form, LastBatch, Length, Loss, ModelError, Optimizer, Places, Schedule,
    Spec, Train, Value, idle_settings,
};
use crate::data::{DataSpec, Description};
use crate::diag::{Diagnostic, Diagnostics, FileId, SourceMap, Span, Spanned, ToDiagnostic, sort};
use crate::syntax::ast;

/// What a spec is resolved against.
#[expect(missing_debug_implementations, reason = "it holds closures")]
pub struct ResolveContext<'a> {
    /// All texts; imports are added.
    pub sources: &'a mut SourceMap,
    /// The text of the spec.
    pub file: FileId,
    /// File stem of the spec.
    pub name: String,
    /// Reads an imported file; the path is relative to the folder of the spec and never leaves it by its text.
    /// The error is a reason in words.
    pub load: &'a mut dyn FnMut(&str) -> Result<String, String>,
    /// Shape and classes of the data.
    pub describe: &'a dyn Fn(&DataSpec) -> Result<Description, Diagnostic>,
    /// `train.epochs=2` and others, as [`crate::syntax::parse_override`] reads them.
    pub overrides: Vec<(Vec<ast::Name>, ast::Expr)>,
    /// Whether the tree lacks items that could not be parsed; missing ones are then not reported.
    pub incomplete: bool,
    /// Warnings found on the way.
    pub warnings: Diagnostics,
}

/// A spec as far as it could be resolved.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The spec. Where `errors` is not empty, broken parts hold placeholders.
    pub spec: Option<Spec>,
    /// Whether data, network and blocks are sound, so that a graph may be built in search of more errors.
    pub net_is_sound: bool,
    /// All errors.
    pub errors: Diagnostics,
}

/// Resolves what can be resolved.
pub fn resolve(spec: &ast::Spec, ctx: &mut ResolveContext<'_>) -> Resolved {
    let mut errors = vec![];
    let mut spec = spec.clone();
    let settings = choose::choose(&mut spec, &ctx.overrides, &mut errors);
    let library = import::collect(&spec, ctx, &mut errors);
    let lets = library.lets.clone();
    let scope = LetScope { lets: &lets, used: std::cell::RefCell::default() };
    // What is wrong here leaves the net as it is: an item that it breaks is missing below.
    let mut beside_net = vec![];
    ctx.incomplete |= !decide::settings(&mut spec, &library, &scope, &mut beside_net);
    overrides::apply(&mut spec, &settings, &scope, &mut beside_net);
    let items = Items::find(&spec, ctx, &mut errors);

    let data =
        items.data.and_then(|(call, span)| data::resolve(call, span, &scope, ctx, &mut errors));
    let net = items.net.and_then(|(net, span)| net::resolve(net, span, &scope, &mut errors));
    let mut bodies = body::check(items.net.map(|(net, _)| net), &library, ctx.file, &mut errors);
    let net_is_sound = errors.is_empty() && data.is_some() && net.is_some();
    errors.append(&mut beside_net);
    errors.append(&mut bodies.values);

    let selected = items
        .loss
        .and_then(|(call, span)| loss::resolve(call, span, &library, &scope, &mut errors));
    let train = items.train.and_then(|train| train::resolve(train, &scope, &mut errors));
    if let (Some(data), Some(train)) = (&data, &train) {
        train::needs_val(train, data, &mut errors);
    }
    let analyze = items.analyze.map_or_else(
        || Some(Analyze::default()),
        |entries| analyze::resolve(entries, &scope, &mut errors),
    );

    let asserts: Vec<_> = spec
        .items
        .iter()
        .filter_map(|item| {
            if let ast::ItemKind::Assert(expr) = &item.kind { Some(expr.clone()) } else { None }
        })
        .collect();
    let mut kept_lets = bodies.used_lets;
    for expr in &asserts {
        super::walk::names_of_expr(expr, &mut kept_lets);
    }
    let mut used_lets = kept_lets.clone();
    used_lets.extend(library.lets_in_lets.iter().cloned());
    used_lets.extend(scope.used.into_inner());
    let used_losses = library.mentioned_losses(items.loss.map(|(call, _)| call));
    for (_, value) in library.losses.iter().filter(|(name, _)| used_losses.contains(*name)) {
        used_lets.extend(value.mentions());
    }
    // Where a name is wrong, the one that was meant looks unused.
    if errors.is_empty() {
        warn_unused(&library, &used_lets, &bodies.used_blocks, &used_losses, ctx);
        ctx.warnings.extend(bodies.warnings);
    }

    tidy(&mut errors);
    let whole = match (data, net) {
        (Some(data), Some(net)) => Some(Spec {
            name: ctx.name.clone(),
            sample_shape: data.form.sample_shape,
            classes: data.form.classes,
            n_train: data.form.n_train,
            data: data.spec,
            data_span: data.span,
            blocks: library.used_blocks(&bodies.used_blocks),
            lets: lets.into_iter().filter(|(name, _)| kept_lets.contains(name)).collect(),
            loss: selected.unwrap_or_else(|| placeholder_loss(net.span)),
            train: train.unwrap_or_else(|| placeholder_train(net.span)),
            analyze: analyze.unwrap_or_default(),
            asserts,
            net,
        }),
        _ => None,
    };
    if errors.is_empty() {
        ctx.warnings.extend(whole.iter().flat_map(idle_settings));
    }
    tidy(&mut ctx.warnings);
    Resolved { spec: whole, net_is_sound, errors }
}

/// Source order; the same problem of one place once.
pub fn tidy(diagnostics: &mut Diagnostics) {
    sort(diagnostics);
    let place = |d: &Diagnostic| d.labels.first().map(|label| label.span);
    diagnostics.dedup_by(|a, b| a.code == b.code && a.title == b.title && place(a) == place(b));
}

/// Top-level values, with a record of which were used.
pub(super) struct LetScope<'a> {
    pub(super) lets: &'a BTreeMap<String, Spanned<Value>>,
    pub(super) used: std::cell::RefCell<BTreeSet<String>>,
}

impl super::Scope for LetScope<'_> {
    fn value(&self, name: &str) -> Option<Option<Value>> {
        let value = self.lets.get(name)?;
        self.used.borrow_mut().insert(name.to_owned());
        Some(Some(value.value.clone()))
    }

    fn names(&self) -> Vec<String> {
        self.lets.keys().cloned().collect()
    }

    fn query(&self, call: &ast::Call, span: Span, errors: &mut Diagnostics) -> Option<Value> {
        let error = ModelError::WrongType {
            what: "an operand".into(),
            expected: "a value known without the network".into(),
            found: format!("the shape query `{}`", call.callee.value),
            help: Some("shape queries stand in the body of a net or a block".into()),
            span,
        };
        errors.push(error.to_diagnostic());
        None
    }
}

/// The items of which there is one.
struct Items<'a> {
    data: Option<(&'a ast::Call, Span)>,
    net: Option<(&'a ast::Net, Span)>,
    loss: Option<(&'a ast::Call, Span)>,
    train: Option<&'a ast::Train>,
    analyze: Option<&'a [ast::Entry]>,
}

impl<'a> Items<'a> {
    fn find(spec: &'a ast::Spec, ctx: &ResolveContext<'_>, errors: &mut Diagnostics) -> Self {
        let mut items = Self { data: None, net: None, loss: None, train: None, analyze: None };
        let mut first: BTreeMap<&'static str, Span> = BTreeMap::new();
        for item in &spec.items {
            let span = item.span.0;
            let name = match &item.kind {
                ast::ItemKind::Data(_) => "`data`",
                ast::ItemKind::Net(_) => "`net`",
                ast::ItemKind::Loss(loss) if loss.body.is_none() => "selected `loss`",
                ast::ItemKind::Train(_) => "`train`",
                ast::ItemKind::Analyze(_) => "`analyze`",
                ast::ItemKind::Loss(_)
                | ast::ItemKind::Block(_)
                | ast::ItemKind::Let(_)
                | ast::ItemKind::Import(_)
                | ast::ItemKind::Assert(_)
                | ast::ItemKind::Claim(_)
                | ast::ItemKind::Sweep(_) => continue,
            };
            if let Some(first) = first.get(name) {
                let offers = choose::offers(spec, keyword(name));
                let error = ModelError::DuplicateItem { item: name, first: *first, offers, span };
                errors.push(error.to_diagnostic());
                continue;
            }
            first.insert(name, span);
            match &item.kind {
                ast::ItemKind::Data(call) => items.data = Some((call, span)),
                ast::ItemKind::Net(net) => items.net = Some((net, span)),
                ast::ItemKind::Loss(loss) => items.loss = Some((&loss.head, span)),
                ast::ItemKind::Train(train) => items.train = Some(train),
                ast::ItemKind::Analyze(entries) => items.analyze = Some(entries),
                ast::ItemKind::Block(_)
                | ast::ItemKind::Let(_)
                | ast::ItemKind::Import(_)
                | ast::ItemKind::Assert(_)
                | ast::ItemKind::Claim(_)
                | ast::ItemKind::Sweep(_) => {}
            }
        }
        let needed: [(&'static str, &'static str); 4] = [
            ("`data`", "data digits"),
            ("`net`", "net mlp { flatten  linear(classes) }"),
            ("selected `loss`", "loss cross_entropy"),
            ("`train`", "train sgd(lr=0.1) { epochs = 10 }"),
        ];
        let end = ctx.sources.text(ctx.file).trim_end().len();
        let span = Span::new(ctx.file, end, end);
        for (item, example) in needed {
            if !ctx.incomplete && !first.contains_key(item) {
                let offers = choose::offers(spec, keyword(item));
                let error = ModelError::MissingItem { item, example, offers, span };
                errors.push(error.to_diagnostic());
            }
        }
        items
    }
}

/// The keyword in the name of an item: `loss` of "selected `loss`".
fn keyword(item: &str) -> &str {
    item.trim_start_matches("selected ").trim_matches('`')
}

fn warn_unused(
    library: &library::Library,
    lets: &BTreeSet<String>,
    blocks: &BTreeSet<String>,
    losses: &BTreeSet<String>,
    ctx: &mut ResolveContext<'_>,
) {
    let mut unused = vec![];
    let here = |span: Span| span.file == ctx.file;
    for (name, value) in library.own_lets.iter().filter(|(name, _)| !lets.contains(*name)) {
        unused.push(("`let`", name, *value));
    }
    for (name, block) in library.blocks.iter().filter(|(name, _)| !blocks.contains(*name)) {
        unused.push(("block", name, block.name.span));
    }
    for (name, loss) in library.losses.iter().filter(|(name, _)| !losses.contains(*name)) {
        unused.push(("loss", name, loss.span));
    }
    for (what, name, span) in unused.into_iter().filter(|(_, _, span)| here(*span)) {
        let warning = ModelError::Unused { what, name: name.clone(), span };
        ctx.warnings.push(warning.to_diagnostic());
    }
}

/// Whether a name is a word of the language and so not free for definitions; says what it is.
pub fn built_in(name: &str) -> Option<String> {
    for group in [Group::Layer, Group::Loss, Group::Init] {
        if group.row(name).is_some() {
            return Some(format!("a built-in {}", group.noun()));
        }
    }
    super::table::RESERVED_VALUES
        .contains(&name)
        .then(|| "a built-in value of the language".to_owned())
}

fn placeholder_loss(span: Span) -> Loss {
    Loss {
        form: Form::Plain,
        base: Base::CrossEntropy,
        size: None,
        divisor: Divisor::Current,
        scale_lr: 1.0,
        span,
    }
}

fn placeholder_train(span: Span) -> Train {
    Train {
        optimizer: Optimizer::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 },
        sharpness: None,
        lr: 0.1,
        schedule: Schedule::Constant,
        warmup: 0,
        batch: 128,
        last_batch: LastBatch::Keep,
        clip: None,
        ema: None,
        best: None,
        patience: None,
        length: Length::Epochs(1),
        seeds: vec![0],
        well_delta: None,
        places: Places::at(span),
    }
}
