//! Fewer boxes for deep nets: a layer without parameters joins the one before it.

use super::{Picture, PictureBox, Style};

/// Joins plain boxes to the one before where nothing else leaves that or enters this, and both stand in one frame.
pub(super) fn merge(picture: &mut Picture) {
    let n = picture.boxes.len();
    let (mut leave, mut enter) = (vec![0_usize; n], vec![vec![]; n]);
    for (from, to) in &picture.arrows {
        leave[*from] += 1;
        enter[*to].push(*from);
    }
    // Where each old box is now.
    let mut new: Vec<usize> = vec![];
    let mut kept: Vec<PictureBox> = vec![];
    for (i, drawn) in picture.boxes.iter().enumerate() {
        let before = match enter[i].as_slice() {
            [from] if leave[*from] == 1 => Some(*from),
            _ => None,
        };
        let joins = before.filter(|from| {
            let before = &picture.boxes[*from];
            let together = before.frame == drawn.frame && before.style != Style::End;
            drawn.style == Style::Plain && together
        });
        if let Some(from) = joins {
            let into = &mut kept[new[from]];
            into.title = format!("{} → {}", into.title, drawn.title);
            into.shape.clone_from(&drawn.shape);
            into.notes.clone_from(&drawn.notes);
            into.layers += drawn.layers;
            new.push(new[from]);
        } else {
            new.push(kept.len());
            kept.push(drawn.clone());
        }
    }
    let mut arrows: Vec<(usize, usize)> = picture
        .arrows
        .iter()
        .map(|(from, to)| (new[*from], new[*to]))
        .filter(|(from, to)| from != to)
        .collect();
    arrows.sort_unstable();
    arrows.dedup();
    for drawn in &mut kept {
        if drawn.style != Style::End {
            // One line a box: what is known of the result stands before its shape.
            let degree = drawn.notes.drain(..).next();
            let shape = drawn.shape.clone();
            drawn.shape =
                degree.map_or_else(|| shape.clone(), |degree| format!("{degree} · {shape}"));
        }
    }
    (picture.boxes, picture.arrows) = (kept, arrows);
}
