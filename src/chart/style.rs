//! The style sheet of drawings in a page: the colours of both themes, and which width is shown where.

use super::palette::{Paint, Theme};
use super::text::FONT;

/// CSS for a page with drawings. Light ground; dark where the reader prefers it, or where an element above has
/// `data-theme="dark"`; `data-theme="light"` wins over the preference. Figures show the drawing that fits their width.
pub fn style_sheet() -> String {
    let variables = |theme: Theme| -> String {
        Paint::all().into_iter().fold(String::new(), |all, paint| {
            all + &paint.variable() + ":" + paint.hex(theme) + ";"
        })
    };
    let (light, dark) = (variables(Theme::Light), variables(Theme::Dark));
    format!(
        ":root,[data-theme=\"light\"]{{color-scheme:light;{light}}}\n\
         @media (prefers-color-scheme:dark){{:root:not([data-theme=\"light\"]){{color-scheme:dark;{dark}}}}}\n\
         [data-theme=\"dark\"]{{color-scheme:dark;{dark}}}\n\
         .chart{{font-family:{FONT};color:var(--ink);background:var(--paper);margin:0;max-width:1100px;\
         container-type:inline-size;break-inside:avoid}}\n\
         .chart svg{{display:none;width:100%;height:auto}}\n\
         .chart .chart-narrow{{display:block;max-width:30rem}}\n\
         @container (min-width:700px){{.chart .chart-narrow{{display:none}}.chart .chart-middle{{display:block;max-width:56rem}}}}\n\
         @container (min-width:1060px){{.chart .chart-middle{{display:none}}.chart .chart-wide{{display:block}}}}\n\
         .chart figcaption{{font-size:.875rem;line-height:1.45}}\n\
         .chart-title{{font-size:1.125rem;font-weight:700;margin:0 0 .15rem}}\n\
         .chart-finding{{margin:0 0 .6rem}}\n\
         .chart-note{{color:var(--muted);font-size:.8125rem;line-height:1.45;margin:.5rem 0}}\n\
         .chart details{{font-size:.8125rem;color:var(--muted)}}\n\
         .chart-table{{overflow:auto;max-height:24rem}}\n\
         .chart table{{border-collapse:collapse;font-variant-numeric:tabular-nums;color:var(--ink)}}\n\
         .chart th,.chart td{{padding:.15rem .75rem .15rem 0;text-align:left;white-space:nowrap}}\n\
         .chart th{{border-bottom:1px solid var(--rule);font-weight:600}}\n\
         .chart td.number,.chart th.number{{text-align:right}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::style_sheet;

    #[test]
    fn both_themes_hold_the_same_variables() {
        let css = style_sheet();
        assert_eq!(css.matches("--c1:").count(), 3);
        assert_eq!(css.matches('{').count(), css.matches('}').count());
    }
}
