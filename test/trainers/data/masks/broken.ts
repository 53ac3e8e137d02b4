import { cat, coco, cocoBox, type Files } from '../boxes/files.js';
import { labelMe } from './layouts.js';
import { coloured, deep, grey, ramp, transparent } from './files.js';

/** A folder with one mistake, and the sentence about it: a refusal, or findings. */
export interface BrokenMasks {
  readonly name: string;
  readonly files: Files;
  readonly keys?: object;
  readonly refused?: string;
  readonly findings?: readonly string[];
}

const fine = { 'images/{a,b}.png': null, 'masks/a.png': grey(0, 1) } as const;
const text = (content: string | Buffer) => () => Promise.resolve(Buffer.from(content));

export const broken: readonly BrokenMasks[] = [
  { name: 'a mask is missing', files: fine, findings: ['missing: images/b.png'] },
  {
    name: 'an image is missing',
    files: { 'images/a.png': null, 'masks/{a,b}.png': grey(0, 1) },
    findings: ['orphan: masks/b.png'],
  },
  { name: 'no masks at all', files: { 'images/{a,b}.png': null }, refused: 'FOLDER: no image has a mask' },
  { name: 'no images at all', files: { 'masks/{a,b}.png': grey(0, 1) }, refused: 'FOLDER: no image has a mask' },
  {
    name: 'the only mask is a text',
    files: { 'images/a.png': null, 'masks/a.png': text('nonsense') },
    refused:
      'FOLDER: none of 1 image can be used: masks/a.png: mask that cannot be read, left out with its image (text)',
  },
  {
    name: 'a mask of other proportions',
    files: { ...fine, 'masks/b.png': grey(0, 1, [50, 80]) },
    findings: ['proportions: masks/b.png: 80 x 50, the image 100 x 50'],
  },
  {
    name: 'a mask of half the size',
    files: { ...fine, 'masks/b.png': grey(0, 1, [25, 50]) },
    findings: ['extent: masks/b.png: 50 x 25, the image 100 x 50'],
  },
  {
    name: 'a mask of 16 bits',
    files: { ...fine, 'masks/b.png': deep },
    findings: ['unreadable: masks/b.png: samples of type ushort: save it with 8 bits'],
  },
  {
    name: 'a mask with transparent pixels',
    files: { ...fine, 'masks/b.png': transparent },
    findings: ['unreadable: masks/b.png: transparent pixels: save it without transparency'],
  },
  { name: 'an empty file', files: { ...fine, 'masks/b.png': text('') }, findings: ['unreadable: masks/b.png: empty'] },
  {
    name: 'a text under the name of a mask',
    files: { ...fine, 'masks/b.png': text('hello') },
    findings: ['unreadable: masks/b.png: text'],
  },
  {
    name: 'a mask that is cut',
    files: { ...fine, 'masks/b.png': async () => (await ramp(2)()).subarray(0, 60) },
    findings: ['unreadable: masks/b.png: it ends too early'],
  },
  {
    name: 'a text under the name of an image',
    files: { 'images/a.png': null, 'masks/{a,b}.png': grey(0, 1), 'images/b.png': text('hello') },
    findings: ['damaged: images/b.png: text'],
  },
  {
    name: 'a colour that no list names',
    files: {
      'images/a.png': null,
      'masks/a.png': coloured([0, 0, 0], [1, 2, 3]),
      'classes.csv': 'name,r,g,b\nsky,0,0,0\nsea,0,0,255\n',
    },
    findings: ['unknown: masks/a.png: #010203'],
  },
  {
    name: 'a value that no list names',
    files: { 'images/a.png': null, 'masks/a.png': grey(0, 7), 'classes.txt': 'sky\nsea\n' },
    findings: ['unknown: masks/a.png: 7'],
  },
  {
    name: 'only ignored pixels',
    files: {
      'images/{a,b}.png': null,
      'masks/a.png': grey(0, 1),
      'masks/b.png': grey(255, 255),
      'classes.txt': 'sky\nsea\n',
    },
    findings: ['ignored: masks/b.png'],
  },
  {
    name: 'a polygon of two points, and run lengths for another size',
    files: {
      '{a,b,c}.jpg': null,
      'all.json': coco(['a.jpg', 'b.jpg', 'c.jpg'], {
        annotations: [
          cocoBox(1, 1, cat, { segmentation: [[1, 2, 3, 4]] }),
          cocoBox(2, 1, cat, { segmentation: { size: [4, 4], counts: [16] } }),
        ],
      }),
    },
    findings: [
      'unreadable: all.json, line 2: images[0]: a polygon is no list of at least three points',
      'unreadable: all.json, line 3: images[1]: run lengths for 4 x 4, the image 100 x 50',
    ],
  },
  {
    name: 'files of LabelMe that are cut, without an image, with two points, and without points',
    files: {
      '{a,b,c,d}.jpg': null,
      'a.json': labelMe('a.jpg'),
      'b.json': labelMe('b.jpg').slice(0, -9),
      'c.json': labelMe('c.jpg', {
        label: 'cat',
        points: [
          [1, 2],
          [3, 4],
        ],
        shape_type: 'polygon',
      }),
      'd.json': labelMe('d.jpg', { label: 'cat' }),
      'e.json': labelMe('e.jpg'),
    },
    findings: [
      'orphan: e.json: e.jpg',
      'unreadable: b.json: no whole JSON: save it again',
      'unreadable: d.json: shapes.0.points: Invalid input: expected array, received undefined',
      'unreadable: c.json: a polygon is no list of at least three points',
    ],
  },
  {
    name: 'more values than classes',
    files: { 'images/a.png': null, 'masks/a.png': ramp(100) },
    refused: 'FOLDER: the masks have 100 values, more than 64',
  },
  {
    name: 'more than 255 classes',
    files: {
      'images/a.png': null,
      'masks/a.png': grey(0, 1),
      'classes.txt': Array.from({ length: 256 }, (_, i) => `name${i}`).join('\n'),
    },
    refused: 'FOLDER: there are 256 classes; at most 255 fit into masks',
  },
  {
    name: 'names for other values',
    files: { 'images/a.png': null, 'masks/a.png': ramp(5) },
    keys: { classes: ['one', 'two', 'three'] },
    refused: 'FOLDER: data.classes names 3 classes, but the masks have 5 values: 0, 1, 2, 3, 4',
  },
  {
    name: 'an unknown class to ignore',
    files: { 'images/a.png': null, 'masks/a.png': grey(0, 1) },
    keys: { ignore: ['tree'] },
    refused: 'data.ignore names "tree", which is no class of FOLDER',
  },
  {
    name: 'all classes ignored',
    files: { 'images/a.png': null, 'masks/a.png': grey(0, 1) },
    keys: { ignore: [0, 1] },
    refused: 'FOLDER: all classes are ignored',
  },
];
