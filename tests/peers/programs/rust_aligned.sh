# shellcheck shell=bash
# Rust compiled and run: vectors of 128-byte aligned values grown, sorted and sent between threads

version() {
  need rustc
  rustc --version | cut -d ' ' -f 1,2
}

run() {
  cat >program.rs <<'END'
use std::{collections::BTreeMap, sync::mpsc, thread};

#[repr(align(128))]
#[derive(Clone, Copy)]
struct Block([u64; 16]);

fn block(seed: u64) -> Block {
    let mut words = [seed; 16];
    for i in 1..16 {
        words[i] = words[i - 1].wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    }
    Block(words)
}

fn main() {
    let (sender, receiver) = mpsc::channel();
    for thread in 0..4u64 {
        let sender = sender.clone();
        thread::spawn(move || {
            for round in 0..5 {
                let mut blocks: Vec<Block> = Vec::new();
                let mut boxes: BTreeMap<u64, Box<Block>> = BTreeMap::new();
                for i in 0..20_000 {
                    let new = block(thread * 1_000_003 + round * 10_007 + i);
                    blocks.push(new);
                    boxes.insert(new.0[15] % 1000, Box::new(new));
                }
                assert_eq!(blocks.as_ptr() as usize % 128, 0);
                blocks.extend(boxes.values().map(|value| **value));
                blocks.sort_by_key(|value| value.0[15]);
                blocks.truncate(15_000);
                blocks.shrink_to_fit();
                sender.send((thread, round, blocks)).unwrap();
            }
        });
    }
    drop(sender);
    let mut sums: Vec<_> = receiver
        .iter()
        .map(|(thread, round, blocks)| {
            let sum = blocks.iter().fold(0u64, |sum, value| sum.wrapping_mul(31).wrapping_add(value.0[7]));
            (thread, round, blocks.len(), sum)
        })
        .collect();
    sums.sort();
    for (thread, round, length, sum) in sums {
        println!("{} {} {} {:016x}", thread, round, length, sum);
    }
}
END
  rustc --edition 2021 -O program.rs -o program
  ./program
}
