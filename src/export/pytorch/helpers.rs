//! Functions that a module defines where its loss needs them: what PyTorch lacks.

/// A function in Python.
pub(super) struct Helper {
    /// Its name; that of the class operation which it computes, where there is one.
    pub(super) name: &'static str,
    /// What a variable with its result is called.
    pub(super) result: &'static str,
    /// Its definition.
    pub(super) text: &'static str,
}

/// The margin of each row.
pub(super) const MARGIN: &str = "margin";

/// The value of each row at its index.
pub(super) const AT: &str = "at";

/// The log of what is left beside the label.
pub(super) const LOG_NOT_LABEL: &str = "log_not_label";

/// The threshold of the projection onto the simplex.
pub(super) const THRESHOLD: &str = "sparsemax_threshold";

/// All of them, in the order in which they are defined.
pub(super) static HELPERS: [Helper; 4] = [
    Helper { name: AT, result: "picked", text: AT_TEXT },
    Helper { name: MARGIN, result: "value", text: MARGIN_TEXT },
    Helper { name: LOG_NOT_LABEL, result: "log_rest", text: LOG_NOT_LABEL_TEXT },
    Helper { name: THRESHOLD, result: "threshold", text: SPARSEMAX_THRESHOLD_TEXT },
];

/// The helper of this name.
pub(super) fn helper(name: &str) -> Option<&'static Helper> {
    HELPERS.iter().find(|helper| helper.name == name)
}

const MARGIN_TEXT: &str = "\
def margin(logits, labels):
    \"\"\"The logit of the label less the largest other one.\"\"\"
    labels = labels[:, None]
    others = logits.scatter(1, labels, -math.inf)
    return (logits.gather(1, labels) - others.max(1, keepdim=True).values).squeeze(1)
";

const AT_TEXT: &str = "\
def at(values, index):
    \"\"\"The value of each row at its index.\"\"\"
    return values.gather(1, index[:, None]).squeeze(1)
";

const LOG_NOT_LABEL_TEXT: &str = "\
def log_not_label(logits, labels):
    \"\"\"log(1 - softmax(logits)[label]), also where the probability rounds to one.\"\"\"
    others = logits.scatter(1, labels[:, None], -math.inf)
    return others.logsumexp(1) - logits.logsumexp(1)
";

const SPARSEMAX_THRESHOLD_TEXT: &str = "\
def sparsemax_threshold(x):
    \"\"\"The t of each row with sum(max(x - t, 0)) = 1.\"\"\"
    ordered = x.sort(1, descending=True).values
    count = torch.arange(1, x.shape[1] + 1, dtype=x.dtype, device=x.device)
    support = (1 + count * ordered > ordered.cumsum(1)).sum(1)
    total = (ordered * (count <= support[:, None])).sum(1)
    return (total - 1) / support
";
