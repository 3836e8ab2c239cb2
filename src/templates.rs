//! Specs to start from; each opens with its purpose.

/// A spec to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: &'static str,
    /// The spec.
    pub text: &'static str,
}

macro_rules! template {
    ($name:literal) => {
        Template { name: $name, text: include_str!(concat!("../specs/", $name, ".net")) }
    };
}

/// All templates; the first needs no data.
pub const TEMPLATES: [Template; 12] = [
    template!("quickstart"),
    template!("mlp_mnist"),
    template!("lenet_cifar10"),
    template!("lenet_cifar100"),
    template!("wrn16_4_cifar10"),
    template!("wrn28_10_cifar100_asam"),
    template!("loss_single_scale"),
    template!("loss_fixed"),
    template!("loss_separation"),
    template!("loss_truncated"),
    template!("loss_base_mse"),
    template!("loss_custom_focal"),
];

impl Template {
    /// The template of a name.
    pub fn named(name: &str) -> Option<Self> {
        TEMPLATES.into_iter().find(|template| template.name == name)
    }

    /// What its first line says.
    pub fn purpose(&self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        first.trim_start_matches("// Purpose: ")
    }
}
