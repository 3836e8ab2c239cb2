//! Throughput of the kernels on one thread and one block, for every instruction set of the machine.
//!
//! In: nothing. Out: criterion's table; one element is one floating-point operation, so `Gelem/s` reads as GFLOP/s and compares
//! with `peak`.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use specc::kernels::LANES;
use specc::kernels::arena::Arena;
use specc::kernels::conv::{Conv, ConvGeometry};
use specc::kernels::isa::Isa;
use specc::kernels::linear::Linear;
use specc::kernels::peak;
use specc::kernels::threads::ThreadPool;

/// Samples that linear layers are measured with.
const BATCH: usize = 128;

/// Numbers in (-1, 1).
fn noise(len: usize) -> Arena {
    let mut arena = Arena::zeros(len);
    let mut state = 1u64;
    for x in arena.iter_mut() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *x = (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
    }
    arena
}

/// The convolutions that are measured: a name and the sizes.
fn convolutions() -> Vec<(&'static str, ConvGeometry)> {
    let lenet = ConvGeometry {
        in_channels: 3,
        out_channels: 6,
        in_height: 32,
        in_width: 32,
        kernel: 5,
        stride: 1,
        pad: 0,
        groups: 1,
    };
    let square = |channels: usize, side: usize| ConvGeometry {
        in_channels: channels,
        out_channels: channels,
        in_height: side,
        in_width: side,
        kernel: 3,
        pad: 1,
        ..lenet
    };
    let second =
        ConvGeometry { in_channels: 6, out_channels: 16, in_height: 14, in_width: 14, ..lenet };
    vec![
        ("lenet1", lenet),
        ("lenet2", second),
        ("3-32@32", ConvGeometry { in_channels: 3, ..square(32, 32) }),
        ("16-16@32", square(16, 32)),
        ("64-64@32", square(64, 32)),
        ("64-128@32 stride 2", ConvGeometry { out_channels: 128, stride: 2, ..square(64, 32) }),
        ("32-64@16", ConvGeometry { out_channels: 64, ..square(32, 16) }),
        ("160-160@32", square(160, 32)),
        ("depthwise 64@32", ConvGeometry { groups: 64, ..square(64, 32) }),
    ]
}

fn measure_peak(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("peak");
    for isa in Isa::available() {
        group.throughput(Throughput::Elements(peak::spin(isa, 10_000)));
        group.bench_function(isa.kind().name(), |bencher| bencher.iter(|| peak::spin(isa, 10_000)));
    }
    group.finish();
}

fn measure_convolutions(criterion: &mut Criterion) {
    for (name, geometry) in convolutions() {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        group.throughput(Throughput::Elements(2 * LANES as u64 * geometry.multiply_adds()));
        for isa in Isa::available() {
            measure_convolution(&mut group, "", Conv::new(isa, geometry).ok(), isa);
            if Conv::new(isa, geometry).is_ok_and(|conv| conv.by_winograd().contains(&true)) {
                measure_convolution(&mut group, "direct ", Conv::direct(isa, geometry).ok(), isa);
            }
        }
        group.finish();
    }
}

/// The three operations of one plan; elements are those of the definition, so that algorithms compare.
fn measure_convolution(
    group: &mut BenchmarkGroup<'_, WallTime>,
    prefix: &str,
    conv: Option<Conv>,
    isa: Isa,
) {
    let Some(conv) = conv else { return };
    let geometry = *conv.geometry();
    let label = |phase: &str| format!("{prefix}{phase}/{}", isa.kind().name());
    let (x, dy) = (noise(geometry.in_len()), noise(geometry.out_len()));
    let (weight, bias) = (noise(geometry.weight_len()), noise(geometry.out_channels));
    let mut packed = Arena::zeros(conv.packed_len());
    conv.pack(&ThreadPool::new(1), &weight, &mut packed);
    let mut y = Arena::zeros(geometry.out_len());
    let mut scratch = Arena::zeros(conv.forward_scratch_len());
    group.bench_function(label("forward"), |bencher| {
        bencher.iter(|| conv.forward(&packed, &x, Some(&bias), true, &mut y, &mut scratch));
    });
    let mut turned = Arena::zeros(conv.packed_turned_len());
    conv.pack_turned(&ThreadPool::new(1), &weight, &mut turned);
    let mut dx = Arena::zeros(geometry.in_len());
    let mut scratch = Arena::zeros(conv.grad_input_scratch_len());
    group.bench_function(label("grad_input"), |bencher| {
        bencher.iter(|| conv.grad_input(&turned, &dy, &mut dx, false, &mut scratch));
    });
    let mut sums = Arena::zeros(conv.grad_weight_len());
    let mut scratch = Arena::zeros(conv.grad_weight_scratch_len());
    group.bench_function(label("grad_weight"), |bencher| {
        bencher.iter(|| conv.grad_weight(&x, &dy, &mut sums, &mut scratch));
    });
}

fn measure_linear(criterion: &mut Criterion) {
    for (inputs, outputs) in [(400, 120), (784, 1000)] {
        let mut group = criterion.benchmark_group(format!("linear {inputs}-{outputs}"));
        group.throughput(Throughput::Elements((2 * inputs * outputs * BATCH) as u64));
        for isa in Isa::available() {
            let Ok(linear) = Linear::new(isa, inputs, 1, outputs) else { continue };
            let label = |phase: &str| format!("{phase}/{}", isa.kind().name());
            let (x, dy) = (noise(inputs * BATCH), noise(outputs * BATCH));
            let weight = noise(inputs * outputs);
            let (mut y, mut dx) = (Arena::zeros(dy.len()), Arena::zeros(x.len()));
            group.bench_function(label("forward"), |bencher| {
                bencher.iter(|| linear.forward(&weight, &x, None, true, &mut y));
            });
            group.bench_function(label("grad_input"), |bencher| {
                bencher.iter(|| linear.grad_input(&weight, &dy, &mut dx, false));
            });
            let mut turned = Arena::zeros(linear.turned_len(BATCH / LANES));
            linear.turn_input(&x, &mut turned);
            let mut grad = Arena::zeros(weight.len());
            group.bench_function(label("grad_weight"), |bencher| {
                bencher.iter(|| linear.grad_weight(&turned, &dy, &mut grad));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, measure_peak, measure_convolutions, measure_linear);
criterion_main!(benches);
