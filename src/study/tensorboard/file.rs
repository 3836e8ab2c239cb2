//! A file of events: records with their checksums.

use prost::Message;

use super::proto::{
    Event, FLOAT, HParams, HParamsData, Held, Histogram, Metadata, PluginData, STRING, Shape,
    Summary, Tensor, Value, What,
};

/// Buckets of a histogram; TensorBoard shows 30.
const BUCKETS: usize = 30;

/// The bytes of a file as it grows.
#[derive(Debug)]
pub(super) struct EventFile {
    bytes: Vec<u8>,
}

impl EventFile {
    /// With the version of the format, at a time in seconds since 1970.
    pub(super) fn new(time: f64) -> Self {
        let mut file = Self { bytes: vec![] };
        let what = Some(What::FileVersion("brain.Event:2".to_owned()));
        file.push(&Event { wall_time: time, step: 0, what });
        file
    }

    /// A number at a step.
    pub(super) fn scalar(&mut self, time: f64, step: u64, tag: &str, value: f64) {
        self.summary(time, step, tag, None, Held::Simple(value as f32));
    }

    /// The distribution of some finite values.
    pub(super) fn histogram(&mut self, time: f64, step: u64, tag: &str, values: &[f64]) {
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
        let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if finite.is_empty() {
            return;
        }
        let width = ((high - low) / BUCKETS as f64).max(f64::MIN_POSITIVE);
        let mut bucket = vec![0.0; BUCKETS];
        for value in &finite {
            bucket[(((value - low) / width) as usize).min(BUCKETS - 1)] += 1.0;
        }
        let held = Held::Histogram(Histogram {
            min: low,
            max: high,
            num: finite.len() as f64,
            sum: finite.iter().sum(),
            sum_squares: finite.iter().map(|value| value * value).sum(),
            bucket_limit: (1..=BUCKETS).map(|i| low + width * i as f64).collect(),
            bucket,
        });
        self.summary(time, step, tag, None, held);
    }

    /// A message of the plug-in for hyperparameters.
    pub(super) fn hparams(&mut self, time: f64, tag: &str, data: HParamsData) {
        let content = HParams { version: 0, data: Some(data) }.encode_to_vec();
        let nothing = Tensor { dtype: FLOAT, shape: Some(Shape {}), string_val: vec![] };
        self.summary(time, 0, tag, Some(("hparams", content)), Held::Tensor(nothing));
    }

    /// The layout of charts with margins.
    pub(super) fn layout(&mut self, time: f64, layout: &impl Message) {
        let bytes = layout.encode_to_vec();
        let tensor = Tensor { dtype: STRING, shape: Some(Shape {}), string_val: vec![bytes] };
        let plugin = Some(("custom_scalars", vec![]));
        self.summary(time, 0, "custom_scalars__config__", plugin, Held::Tensor(tensor));
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn summary(
        &mut self,
        time: f64,
        step: u64,
        tag: &str,
        plugin: Option<(&str, Vec<u8>)>,
        held: Held,
    ) {
        let metadata = plugin.map(|(name, content)| Metadata {
            plugin_data: Some(PluginData { plugin_name: name.to_owned(), content }),
        });
        let value = Value { tag: tag.to_owned(), metadata, held: Some(held) };
        let what = Some(What::Summary(Summary { value: vec![value] }));
        self.push(&Event { wall_time: time, step: step as i64, what });
    }

    /// A record: its length, the checksum of that, the event, the checksum of that.
    fn push(&mut self, event: &Event) {
        let data = event.encode_to_vec();
        let length = (data.len() as u64).to_le_bytes();
        self.bytes.extend(length);
        self.bytes.extend(masked(&length).to_le_bytes());
        self.bytes.extend(&data);
        self.bytes.extend(masked(&data).to_le_bytes());
    }
}

/// CRC-32C, rotated and shifted, so that a checksum of data that holds checksums stays good.
fn masked(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}
