import {
  cat,
  coco,
  cocoBox,
  cocoClasses,
  cocoImage,
  dog,
  height,
  object,
  voc,
  width,
  yolo,
  type Files,
} from './files.js';

/** A folder with one mistake, and the sentence about it: a refusal, or a finding. */
export interface Broken {
  readonly name: string;
  readonly files: Files;
  readonly path?: string;
  readonly refused?: string;
  readonly finding?: string;
}

const images = { '{a,b}.png': null } as const;
const names = ['a.png', 'b.png'];
const inCoco = (parts: Parameters<typeof coco>[1]): Files => ({ ...images, 'a.json': coco(names, parts) });
const inVoc = (xml: string): Files => ({ 'a.png': null, 'a.xml': xml });
const inYolo = (lines: string, yaml = 'names: [cat, dog]\n'): Files => ({
  'images/a.png': null,
  'labels/a.txt': lines,
  'data.yaml': yaml,
});
const header = 'image,x1,y1,x2,y2,label';
const inCsv = (...lines: readonly string[]): Files => ({ ...images, 'a.csv': `${[header, ...lines].join('\n')}\n` });
const catXml = voc('a.png', object('cat', cat));
const catRow = 'a.png,10,5,50,25,cat';

export const broken: readonly Broken[] = [
  {
    name: 'a JSON file that is cut',
    files: { ...images, 'a.json': coco(names).slice(0, 250) },
    refused: "a.json, line 7: not JSON: Expected ',' or ']' after array element in JSON at position 250",
  },
  {
    name: 'NaN in JSON',
    files: { ...images, 'a.json': coco(names).replace('[10,5', '[NaN,5') },
    refused: "a.json, line 6: not JSON: Unexpected token 'N'",
  },
  {
    name: 'an annotation without bbox',
    files: inCoco({ annotations: [cocoBox(1, 1, cat), { image_id: 1, category_id: 1 }] }),
    refused: 'a.json, line 7: annotations[1]: bbox is nothing; expected four numbers: x, y, width, height',
  },
  {
    name: 'a bbox of three numbers',
    files: inCoco({ annotations: [cocoBox(1, 1, [1, 2, 3])] }),
    refused: 'a.json, line 6: annotations[0]: bbox is [1,2,3]; expected four numbers: x, y, width, height',
  },
  {
    name: 'a bbox with a text',
    files: inCoco({ annotations: [cocoBox(1, 1, [1, 2, '3', 4])] }),
    refused: 'a.json, line 6: annotations[0]: bbox[2] is "3"; expected four numbers: x, y, width, height',
  },
  {
    name: 'an image without a name',
    files: inCoco({ images: [cocoImage(1, 'a.png'), { id: 2 }] }),
    refused: 'a.json, line 3: images[1]: file_name is nothing; expected the path of an image',
  },
  {
    name: 'two images of one id',
    files: inCoco({ images: [cocoImage(1, 'a.png'), cocoImage(1, 'b.png')] }),
    refused: 'a.json, line 3: images[1]: two images have the id 1',
  },
  {
    name: 'an annotation of no image',
    files: inCoco({ annotations: [cocoBox(1, 1, cat), cocoBox(9, 1, dog)] }),
    refused: 'a.json, line 7: annotations[1]: image_id is 9, which no image has',
  },
  {
    name: 'two categories of one name',
    files: inCoco({ categories: [...cocoClasses, { id: 3, name: 'cat' }] }),
    refused: 'a.json, line 12: categories[2]: two categories are called "cat"',
  },
  {
    name: 'COCO without categories',
    files: { ...images, 'a.json': '{"images": [], "annotations": []}' },
    refused: 'a.json, line 1: categories is nothing; expected a list',
  },
  {
    name: 'a category that is not there',
    files: inCoco({ annotations: [cocoBox(1, 1, cat), cocoBox(1, 7, dog)] }),
    finding: 'unknown: a.json, line 7: annotations[1]: category_id 7',
  },
  {
    name: 'an image without a file',
    files: inCoco({ images: [cocoImage(1, 'a.png'), cocoImage(2, 'c.png')] }),
    finding: 'missing: a.json, line 3: images[1]: c.png',
  },
  {
    name: 'an image of another size',
    files: inCoco({ images: [cocoImage(1, 'a.png'), { ...cocoImage(2, 'b.png'), width: 200 }] }),
    finding: 'extent: a.json, line 3: images[1]: 100 x 50, written 200 x 50',
  },
  {
    name: 'one image in two splits',
    files: { ...images, '{train,val}.json': coco(names) },
    refused:
      'val.json, line 2: images[0]: a.png is in the split validation, and in train by train.json, line 2: images[0]',
  },
  {
    name: 'a tag of XML that is not closed',
    files: inVoc(catXml.replace('</object>', '')),
    refused: 'a.xml, line 10: </annotation> closes <object> of line 4',
  },
  {
    name: 'an XML file that is cut',
    files: inVoc(catXml.slice(0, 170)),
    refused: 'a.xml, line 7: "<bndbox><xmin>11</" is no tag of XML that can be read',
  },
  {
    name: 'an ampersand in XML',
    files: inVoc(catXml.replace('>cat<', '>cat & dog<')),
    refused: 'a.xml, line 5: & is no entity of XML',
  },
  {
    name: 'a document type in XML',
    files: inVoc(`<!DOCTYPE annotation [<!ENTITY a "b">]>\n${catXml}`),
    refused: 'a.xml, line 1: "<!DOCTYPE annotation [<!ENTITY a \\"b\\">]>" is no tag of XML that can be read',
  },
  {
    name: "CVAT's own XML",
    files: inVoc('<annotations>\n<version>1.1</version></annotations>'),
    refused: 'a.xml, line 1: the file begins with <annotations>',
  },
  {
    name: 'a box of XML without xmax',
    files: inVoc(catXml.replace(/<xmax>.*<\/xmax>/, '')),
    refused: 'a.xml, line 7: <bndbox> has no <xmax>',
  },
  {
    name: 'a coordinate of XML that is a text',
    files: inVoc(catXml.replace(/<ymax>.*<\/ymax>/, '<ymax>25px</ymax>')),
    refused: 'a.xml, line 8: <ymax> is "25px"; expected a number',
  },
  {
    name: 'an image in two lists',
    files: { 'JPEGImages/a.png': null, 'Annotations/a.xml': catXml, 'ImageSets/Main/{train,val}.txt': 'a\n' },
    refused: 'ImageSets/Main/val.txt, line 1: a is in train, too',
  },
  {
    name: 'pixels in YOLO',
    files: inYolo(`${yolo(0, cat)}1 30 15 20 20\n`),
    refused: 'labels/a.txt, line 2: 30 is no share of the width or height',
  },
  {
    name: 'four values in YOLO',
    files: inYolo('0 0.5 0.5 0.1\n'),
    refused: 'labels/a.txt, line 1: 4 values; expected 5',
  },
  {
    name: 'predictions in YOLO',
    files: inYolo('0 0.5 0.5 0.1 0.1 0.93\n'),
    refused: 'labels/a.txt, line 1: 6 values, the last of which is a score: these are predictions',
  },
  {
    name: 'a class of YOLO by its name',
    files: inYolo('cat 0.5 0.5 0.1 0.1\n'),
    refused: 'labels/a.txt, line 1: the class is "cat"; expected a number',
  },
  {
    name: 'a class that data.yaml does not name',
    files: inYolo(`${yolo(0, cat)}${yolo(2, dog)}`),
    finding: 'unknown: labels/a.txt, line 2: class 2',
  },
  {
    name: 'nc that is not the number of names',
    files: inYolo(yolo(0, cat), 'nc: 3\nnames: [cat, dog]\n'),
    refused: 'data.yaml, line 1: nc is 3, but there are 2 names',
  },
  {
    name: 'names with a gap',
    files: inYolo(yolo(0, cat), 'names:\n  0: cat\n  2: dog\n'),
    refused: 'data.yaml, line 1: names has 2 classes, but none is number 1',
  },
  {
    name: 'YAML that is none',
    files: inYolo(yolo(0, cat), 'names: [cat, dog\ntrain: x\n'),
    refused:
      'data.yaml, line 2: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  },
  {
    name: 'a folder of training images that is not there',
    files: inYolo(yolo(0, cat), 'names: [cat, dog]\ntrain: photos/train\n'),
    refused: 'data.yaml, line 2: train is "photos/train", but no image lies there',
  },
  {
    name: 'labels without names of classes',
    files: { 'images/a.png': null, 'labels/a.txt': yolo(0, cat) },
    refused: 'FOLDER: no file names the classes',
  },
  {
    name: 'labels without an image',
    files: { ...inYolo(yolo(0, cat)), 'labels/b.txt': yolo(1, dog) },
    finding: 'orphan: labels/b.txt',
  },
  {
    name: 'a coordinate of CSV that is a text',
    files: inCsv(catRow, 'b.png,1,2,x,4,dog'),
    refused: 'a.csv, line 3: x2 is "x"; expected a number',
  },
  {
    name: 'a box of CSV without a class',
    files: inCsv(catRow, 'b.png,1,2,3,4,'),
    refused: 'a.csv, line 3: label is empty, but the row has a box',
  },
  {
    name: 'a row of CSV without an image',
    files: inCsv(catRow, ',1,2,3,4,dog'),
    refused: 'a.csv, line 3: image is empty',
  },
  {
    name: 'a row of CSV with too few cells',
    files: inCsv(catRow, 'b.png,1,2,3'),
    refused: 'a.csv: not a table: Invalid Record Length: expect 6, got 4 on line 3 (separated by commas)',
  },
  {
    name: 'an image of CSV in two splits',
    files: { ...images, 'a.csv': `${header},split\n${catRow},train\n${catRow.replace('cat', 'dog')},test\n` },
    refused: 'a.csv, line 3: the split of a.png is "test", and "train" in another row',
  },
  {
    name: 'a split of CSV that is none',
    files: { ...images, 'a.csv': `${header},split\n${catRow},blue\n` },
    refused: 'a.csv, line 2: the split is "blue"; expected train, val or test',
  },
  {
    name: 'a box without width',
    files: inCsv(catRow, 'b.png,30,10,20,30,dog'),
    finding: 'inverted: a.csv, line 3: 30, 10, 20, 30 (left, top, right, bottom)',
  },
  {
    name: 'a box outside of its image',
    files: inCsv(catRow, `b.png,${width + 5},0,${width + 9},${height},dog`),
    finding: 'outside: a.csv, line 3: 105, 0, 109, 50 (left, top, right, bottom) of 100 x 50',
  },
  {
    name: 'a box that leaves its image',
    files: inCsv(catRow, `b.png,90,10,${width + 9},30,dog`),
    finding: 'clipped: a.csv, line 3: 90, 10, 109, 30 (left, top, right, bottom) of 100 x 50',
  },
  {
    name: 'a box that is there twice',
    files: inCsv(catRow, 'b.png,20,10,40,30,dog', 'b.png,20,10,40,30,dog'),
    finding: 'doubled: a.csv, line 4: 20, 10, 40, 30 (left, top, right, bottom)',
  },
  {
    name: 'a box on another class',
    files: inCsv(catRow, 'b.png,20,10,40,30,dog', 'b.png,20,10,40,30,cat'),
    finding: 'conflict: a.csv, line 4: 20, 10, 40, 30 (left, top, right, bottom)',
  },
  {
    name: 'a tiny box',
    files: inCsv(catRow, 'b.png,20,10,22,30,dog'),
    finding: 'tiny: a.csv, line 3: 20, 10, 22, 30 (left, top, right, bottom)',
  },
  {
    name: 'an image that is cut',
    files: { ...inCsv(catRow, 'c.png,20,10,40,30,dog'), 'c.png': 'GIF89a' },
    finding: 'damaged: a.csv, line 3: text',
  },
  {
    name: 'boxes in several formats',
    files: { ...inCsv(catRow), 'a.json': coco(names) },
    refused: 'FOLDER: there are boxes in several formats: coco, csv',
  },
  { name: 'no boxes', files: images, refused: 'FOLDER: there are no files with boxes' },
  {
    name: 'no images',
    files: { 'a.csv': `${header}\n${catRow}\n` },
    refused: 'FOLDER: there are boxes (csv), but no images',
  },
  {
    name: 'no image of the file is there',
    files: { ...images, 'a.json': coco(['x.png']) },
    refused: 'FOLDER: none of 1 image can be used: a.json, line 2: images[0]',
  },
];
