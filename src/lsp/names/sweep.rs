//! The names in sweeps and claims: axes, labels, keys, measures.

use std::ops::Range;

use super::find::{Finder, Place};
use super::{Definition, Kind, Target};
use crate::diag::Span;
use crate::lsp::lines::bytes;
use crate::model::bind::bare_name;
use crate::model::sweep::{ITEMS, key_text};
use crate::model::table::Group;
use crate::syntax::ast::{
    Axis, AxisValues, Choice, ChoiceValue, Chosen, Claim, Expr, Key, Quantity, Sweep, SweepLine,
    Where,
};
use crate::syntax::print_expr;

impl Finder {
    /// The name of a sweep, its axes and their labels.
    pub(super) fn sweep_definitions(&mut self, sweep: &Sweep, whole: Range<usize>) {
        let idx = self.define(Kind::Sweep, &sweep.name, whole);
        for line in &sweep.lines {
            let SweepLine::Axis(axis) = line else { continue };
            let Some(range) = key_range(&axis.key) else { continue };
            let name = key_text(&axis.key);
            let own = axis.key.len() == 1 && !ITEMS.contains(&name.as_str()) && name != "seeds";
            let axis_idx = self.add(Definition {
                kind: Kind::Axis,
                name,
                range: range.clone(),
                owner: Some(idx),
                whole: range,
                docs: vec![],
                renamable: own,
            });
            if let AxisValues::Choices(choices) = &axis.values {
                choices.iter().for_each(|choice| self.choice(axis_idx, choice));
            }
        }
    }

    fn choice(&mut self, axis: usize, choice: &Choice) {
        let whole = bytes(choice.span.0);
        let (name, range, renamable) = match (&choice.label, &choice.value) {
            (Some(label), _) => (label.value.clone(), bytes(label.span), true),
            (None, ChoiceValue::Value(value)) => (print_expr(value), bytes(value.span), false),
            (None, ChoiceValue::Bundle(_)) => return,
        };
        self.add(Definition {
            kind: Kind::Choice,
            name,
            range,
            owner: Some(axis),
            whole,
            docs: vec![],
            renamable,
        });
    }

    /// What the axes, bundles and conditions of a sweep use.
    pub(super) fn sweep_uses(&mut self, sweep: &Sweep) {
        for line in &sweep.lines {
            match line {
                SweepLine::Axis(axis) => self.axis(axis),
                SweepLine::Where { condition, .. } => self.condition(condition),
            }
        }
    }

    fn axis(&mut self, axis: &Axis) {
        self.key(&axis.key);
        match &axis.values {
            AxisValues::Range(range) => self.expr(range, Place::Value(None)),
            AxisValues::Choices(choices) => {
                for choice in choices {
                    match &choice.value {
                        ChoiceValue::Value(value) => self.setting(&axis.key, value),
                        ChoiceValue::Bundle(settings) => {
                            for setting in settings {
                                self.key(&setting.key);
                                self.setting(&setting.key, &setting.value);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The value that a key takes.
    fn setting(&mut self, key: &Key, value: &Expr) {
        let place = match key_text(key).as_str() {
            "data" => Place::Calls(Group::Data),
            "net" => Place::Nets,
            "loss" | "loss.base" => Place::Calls(Group::Loss),
            "train" => Place::Calls(Group::Optimizer),
            "net.init" => Place::Calls(Group::Init),
            "train.schedule" => Place::Calls(Group::Schedule),
            "data.augment" => Place::Calls(Group::Augment),
            "data.label_noise" => Place::Calls(Group::LabelNoise),
            _ => Place::Value(None),
        };
        self.expr(value, place);
    }

    /// The parts of a key of the file or of the language.
    fn key(&mut self, key: &Key) {
        let [section, rest @ ..] = key.as_slice() else { return };
        let Some(last) = rest.last() else { return };
        let range = bytes(last.span);
        if section.value == "let" {
            let found = self.named(&last.value, |one| one.kind == Kind::Let);
            let outer = || Target::Outer(last.value.clone());
            return self.uses(range, found.map_or_else(outer, Target::Here));
        }
        let groups: &[Group] = match section.value.as_str() {
            "data" => &[Group::Data],
            "net" => &[Group::Net],
            "loss" => &[Group::Loss],
            "train" => &[Group::Train, Group::Optimizer],
            _ => &[],
        };
        let mut rows = groups.iter().flat_map(|group| group.rows());
        let found = rows.find_map(|row| Some((row, row.param(&last.value)?)));
        if let Some((row, param)) = found {
            self.uses(range, Target::Key(row, param));
        }
    }

    fn condition(&mut self, condition: &Where) {
        match condition {
            Where::Any(parts) | Where::All(parts) => {
                parts.iter().for_each(|part| self.condition(part));
            }
            Where::Not(inner) => self.condition(inner),
            Where::Test { axis, value, .. } => {
                let name = key_text(axis);
                self.axis_use(axis, &name);
                if let Some(label) = bare_name(value) {
                    self.label(label, Some(&name), value.span);
                }
            }
        }
    }

    fn axis_use(&mut self, key: &Key, name: &str) {
        let found = self.named(name, |one| one.kind == Kind::Axis);
        if let (Some(idx), Some(range)) = (found, key_range(key)) {
            self.uses(range, Target::Here(idx));
        }
    }

    fn label(&mut self, name: &str, axis: Option<&str>, span: Span) {
        let is_axis = |definition: &Definition| {
            axis.is_none_or(|axis| {
                definition.owner.is_some_and(|idx| self.names.definitions[idx].name == axis)
            })
        };
        let found = self.named(name, |one| one.kind == Kind::Choice && is_axis(one));
        if let Some(idx) = found {
            self.uses(bytes(span), Target::Here(idx));
        }
    }

    /// The measures and labels of a claim.
    pub(super) fn claim(&mut self, claim: &Claim) {
        for line in &claim.lines {
            self.quantity(&line.left);
            self.quantity(&line.right);
        }
    }

    fn quantity(&mut self, quantity: &Quantity) {
        match quantity {
            Quantity::Number(_) => {}
            Quantity::Measured { path, of } => {
                self.uses(bytes(path.span), Target::Measure(path.value.clone()));
                for Chosen { axis, label } in of {
                    let name = axis.as_ref().map(key_text);
                    if let (Some(axis), Some(name)) = (axis, &name) {
                        self.axis_use(axis, name);
                    }
                    self.label(&label.value, name.as_deref(), label.span);
                }
            }
            Quantity::Binary(_, a, b) => {
                self.quantity(a);
                self.quantity(b);
            }
            Quantity::Extreme { operands, .. } => {
                operands.iter().for_each(|operand| self.quantity(operand));
            }
        }
    }
}

fn key_range(key: &Key) -> Option<Range<usize>> {
    let (first, last) = (key.first()?, key.last()?);
    Some(first.span.start as usize..last.span.end as usize)
}
