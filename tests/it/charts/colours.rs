//! Colours are told apart by everyone, on light and on dark ground and in grey.

use specc::chart::{Paint, Slot, Theme};

/// Linear red, green and blue.
type Light = [f64; 3];

/// What the three kinds of dichromacy make of linear light (Machado, Oliveira and Fernandes 2009, severity 1), after the
/// identity of common sight.
const SIGHTS: [(&str, [Light; 3]); 4] = [
    ("common sight", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

fn linear(hex: &str) -> Light {
    [1, 3, 5].map(|at| {
        let part = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

fn seen(sight: &[Light; 3], light: Light) -> Light {
    sight.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0))
}

/// OKLab, in which distances are about those that eyes see.
fn oklab([r, g, b]: Light) -> Light {
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
    ]
}

fn distance(a: Light, b: Light) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn luminance([r, g, b]: Light) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// CIE lightness from 0 to 100.
fn lightness(light: Light) -> f64 {
    116.0 * luminance(light).cbrt() - 16.0
}

/// WCAG 2.
fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(linear(a)), luminance(linear(b)));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn pairs() -> impl Iterator<Item = (Slot, Slot)> {
    (0..Slot::COLOURS).flat_map(|i| (0..i).map(move |j| (Slot(i), Slot(j))))
}

#[test]
fn series_differ_under_colour_deficiencies() {
    // 0.02 is just noticed side by side; thin lines far from each other need more.
    for theme in [Theme::Light, Theme::Dark] {
        for (name, sight) in &SIGHTS {
            for (a, b) in pairs() {
                let colour = |slot| oklab(seen(sight, linear(Paint::Series(slot).hex(theme))));
                let apart = distance(colour(a), colour(b));
                assert!(apart > 0.065, "{theme:?}, {name}: {a:?} and {b:?} are {apart:.3} apart");
            }
        }
    }
}

#[test]
fn series_differ_in_grey_and_from_the_ground() {
    for theme in [Theme::Light, Theme::Dark] {
        let hex = |slot| Paint::Series(slot).hex(theme);
        for (a, b) in pairs() {
            // The first four are told apart by grey alone, the others with their dashes and markers.
            let wanted = if a.0.max(b.0) < 4 { 6.0 } else { 2.5 };
            let apart = (lightness(linear(hex(a))) - lightness(linear(hex(b)))).abs();
            assert!(apart > wanted, "{theme:?}: {a:?} and {b:?} are {apart:.1} apart");
        }
        for slot in (0..Slot::COLOURS).map(Slot) {
            let ratio = contrast(hex(slot), Paint::Paper.hex(theme));
            assert!(ratio >= 3.0, "{theme:?}: {slot:?} has a contrast of {ratio:.2}");
        }
    }
}

#[test]
fn text_is_readable_on_every_ground() {
    for theme in [Theme::Light, Theme::Dark] {
        let paper = Paint::Paper.hex(theme);
        assert!(contrast(Paint::Ink.hex(theme), paper) > 12.0);
        assert!(contrast(Paint::Muted.hex(theme), paper) > 4.5);
        assert!(contrast(Paint::Rule.hex(theme), paper) > 2.9);
        let mut last = None;
        for shade in 0..10 {
            let hex = Paint::Heat(shade).hex(theme);
            let number = if shade >= 6 { Paint::Paper } else { Paint::Ink };
            let ratio = contrast(number.hex(theme), hex);
            assert!(ratio > 4.5, "{theme:?}: numbers on shade {shade} have {ratio:.2}");
            // Shades rise in even steps of lightness, away from the ground.
            let now = lightness(linear(hex));
            let step = last.map(|last: f64| (now - last).abs());
            assert!(
                step.is_none_or(|step| (3.5..14.0).contains(&step)),
                "{theme:?} {shade}: {step:?}"
            );
            last = Some(now);
        }
    }
}
