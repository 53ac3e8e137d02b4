import { crc32 } from 'node:zlib';
import { contentHash } from '../../../base/hash.js';
import type { ByteRounding } from '../fixed-point.js';
import { innerEnds, innerOperators } from '../plan.js';
import { numbersIn, type EdgeProgram } from '../program.js';
import { runReference } from '../reference.js';
import { array, ownFile } from './text.js';

/** The answers of the integer reference to images: the bytes of each output. */
export function referenceOutputs(
  program: EdgeProgram,
  images: readonly Int8Array[],
  rounding?: ByteRounding,
): Int8Array[][] {
  const inner = { ...program, operators: innerOperators(program), ...innerEnds(program) };
  return images.map((image) => {
    const values = runReference(inner, image, rounding);
    return inner.outputs.map((id) => Int8Array.from(values.get(id) ?? []));
  });
}

/** The outputs of all images, one after the other. */
export const inARow = (outputs: readonly (readonly Int8Array[])[]): number[] =>
  outputs.flat().flatMap((bytes) => Array.from(bytes));

/** The input of `nas_bench`: a linear congruential generator. */
function benchImage(program: EdgeProgram): Int8Array {
  let random = 1;
  return Int8Array.from({ length: numbersIn(program.tensors[innerEnds(program).input]) }, () => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return (random >>> 24) - 128;
  });
}

/** Names a program in C in the lines of its benchmark, so that a board with another program is noticed. */
export const benchId = (modelSource: string): string => contentHash(modelSource).slice(0, 16);

/** `model_bench.h`: times the model on a board, and checks its answer to one image. */
export const benchHeader = (program: EdgeProgram, modelSource: string, rounding?: ByteRounding): string => `/*
 * The benchmark that nas latency measure --device serial:... reads. A program for a board calls nas_bench() without end:
 * see examples/Benchmark.
 */
#include "model.h"

#define NAS_BENCH_ID "${benchId(modelSource)}"
${array('static const int8_t nas_bench_output[NAS_OUTPUT_BYTES]', inARow(referenceOutputs(program, [benchImage(program)], rounding)))}
${ownFile('kernels/bench.h')}`;

/** A run of the model on a board. */
export interface BenchLine {
  readonly id: string;
  /** From 0 since the board's start. */
  readonly run: number;
  readonly ticks: number;
  /** Ticks a second. */
  readonly hz: number;
  readonly wrong: number;
  /** With its version. */
  readonly compiler: string;
}

const pattern =
  /(?<text>nas (?<id>[0-9a-f]{16}) (?<run>\d{1,10}) (?<ticks>\d{1,10}) (?<hz>\d{1,10}) (?<wrong>\d{1,10}) (?<compiler>[A-Za-z][ -~]{0,90}) )(?<crc>\d{1,10})\r?$/;

/** Reads a line that `nas_bench` printed; undefined for all other text, damaged lines included. */
export function parseBenchLine(line: string): BenchLine | undefined {
  const groups = pattern.exec(line)?.groups;
  if (groups === undefined || Number(groups['crc']) !== crc32(groups['text'])) return undefined;
  const [run, ticks, hz, wrong] = ['run', 'ticks', 'hz', 'wrong'].map((name) => Number(groups[name]));
  return { id: groups['id'], run, ticks, hz, wrong, compiler: groups['compiler'] };
}
