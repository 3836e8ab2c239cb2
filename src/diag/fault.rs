//! Who can mend what went wrong: programs that start a command decide by it what to do next.

use super::{Code, Diagnostic, Severity};

/// Who can mend an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Who wrote the arguments.
    Usage,
    /// Who wrote the spec.
    Spec,
    /// Who has the data.
    Data,
    /// Nobody: training left the finite numbers.
    Diverged,
    /// Who runs the machine: a device, a full disk, a directory in use.
    Run,
}

impl Fault {
    /// That of some diagnostics together: an invalid spec beats all, else the first error decides; `None` without an error.
    pub fn of(diagnostics: &[Diagnostic]) -> Option<Self> {
        let errors = diagnostics.iter().filter(|d| d.severity() == Severity::Error);
        let faults: Vec<_> = errors.map(|diagnostic| diagnostic.code.fault()).collect();
        let invalid = faults.contains(&Self::Spec).then_some(Self::Spec);
        invalid.or_else(|| faults.first().copied())
    }
}

impl Code {
    /// Who can mend it.
    pub fn fault(self) -> Fault {
        // What the spec asks of its data cannot be, whatever the files hold.
        let asks = [Self::E0606, Self::E0612, Self::E0613, Self::E0620];
        // The order of codes is that of the table.
        if (Self::E0501..=Self::E0506).contains(&self) {
            Fault::Run
        } else if self < Self::E0601 || asks.contains(&self) {
            Fault::Spec
        } else if self < Self::E0701 && self != Self::E0618 {
            Fault::Data
        } else if self == Self::E0713 {
            Fault::Diverged
        } else if [Self::E0706, Self::E0715].contains(&self) {
            Fault::Usage
        } else {
            Fault::Run
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_who_can_mend_them() {
        let of = |codes: &[Code]| {
            let errors: Vec<_> = codes.iter().map(|code| Diagnostic::new(*code, "x")).collect();
            Fault::of(&errors)
        };
        for (codes, expected) in [
            (&[][..], None),
            (&[Code::W0701], None),
            (&[Code::E0101], Some(Fault::Spec)),
            (&[Code::E0404], Some(Fault::Spec)),
            (&[Code::E0501], Some(Fault::Run)),
            (&[Code::E0601], Some(Fault::Data)),
            (&[Code::E0616], Some(Fault::Data)),
            (&[Code::E0658], Some(Fault::Data)),
            (&[Code::E0606], Some(Fault::Spec)),
            (&[Code::E0613], Some(Fault::Spec)),
            (&[Code::E0618], Some(Fault::Run)),
            (&[Code::E0706], Some(Fault::Usage)),
            (&[Code::E0710], Some(Fault::Run)),
            (&[Code::E0713], Some(Fault::Diverged)),
            (&[Code::E0602, Code::E0304], Some(Fault::Spec)),
            (&[Code::W0701, Code::E0602], Some(Fault::Data)),
        ] {
            assert_eq!(of(codes), expected, "{codes:?}");
        }
    }
}
