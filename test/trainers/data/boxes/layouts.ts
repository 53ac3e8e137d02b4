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

/** A folder as people have it, and how it is read. Its first image, by path, has a cat. */
export interface BoxLayout {
  readonly name: string;
  readonly files: Files;
  /** Inside of the folder; default: the folder. */
  readonly path?: string;
  /** Default: cat and dog. */
  readonly classes?: readonly string[];
  /** Images by split; `all`: the source assigns none. Default: two. */
  readonly images?: Readonly<Partial<Record<'train' | 'validation' | 'test' | 'all', number>>>;
  /** Default: two. */
  readonly boxes?: number;
  readonly ignored?: number;
  /** Parts of the notes. */
  readonly notes?: readonly string[];
}

export type BoxLayouts = Readonly<Record<'coco' | 'voc' | 'yolo' | 'csv', readonly BoxLayout[]>>;

const [x, y, w, h] = cat;
const corners = `${x},${y},${x + w},${y + h}`;
const oneOf = (name: string): string => coco([name], { annotations: [cocoBox(1, 1, cat)] });
const catXml = (name: string, others = ''): string => voc(name, object('cat', cat, others));
const dogXml = (name: string): string => voc(name, object('dog', dog));
const polygon = `0 ${x / width} ${y / height} ${(x + w) / width} ${y / height} ${x / width} ${(y + h) / height}\n`;
const roots = [
  { id: 0, name: 'animals', supercategory: 'none' },
  { id: 1, name: 'cat', supercategory: 'animals' },
  { id: 2, name: 'dog', supercategory: 'animals' },
];

export const boxLayouts: BoxLayouts = {
  coco: [
    {
      name: 'COCO 2017: annotations beside a folder for each split',
      files: {
        '{train2017,val2017}/{a,b}.jpg': null,
        'annotations/instances_train2017.json': coco(['a.jpg', 'b.jpg']),
        'annotations/instances_val2017.json': coco(['a.jpg', 'b.jpg']),
        'annotations/{captions,person_keypoints}_train2017.json':
          '{"images": [], "annotations": [{"caption": "a cat"}]}',
      },
      images: { train: 2, test: 2 },
      boxes: 4,
    },
    {
      name: 'Roboflow COCO: _annotations.coco.json in each split, and a category that groups the others',
      files: {
        '{train,valid,test}/a_png.rf.0123456789abcdef.jpg': null,
        '{train,valid,test}/_annotations.coco.json': coco(['a_png.rf.0123456789abcdef.jpg'], {
          annotations: [cocoBox(1, 1, cat), cocoBox(1, 2, dog)],
          categories: roots,
        }),
        'README.roboflow.txt': 'animals',
      },
      images: { train: 1, validation: 1, test: 1 },
      boxes: 6,
      notes: ['animals groups the others'],
    },
    {
      name: 'one COCO file beside the images',
      files: { '{a,b}.png': null, 'annotations.json': coco(['a.png', 'b.png']) },
    },
    {
      name: 'one COCO file that the path names',
      files: { 'images/{a,b}.png': null, 'images/c.png': null, 'boxes.json': coco(['images/a.png', 'images/b.png']) },
      path: 'boxes.json',
    },
    {
      name: 'one COCO file whose images name the folders of their splits',
      files: { '{train,val}/a.png': null, 'coco.json': coco(['train/a.png', 'val/a.png']) },
      images: { train: 1, test: 1 },
    },
    {
      name: 'Label Studio COCO: result.json beside images, with backslashes',
      files: { 'images/{a,b}.jpg': null, 'result.json': coco(['images\\a.jpg', 'images\\b.jpg']) },
    },
    {
      name: 'CVAT COCO: annotations/instances_default.json',
      files: { 'images/{a,b}.jpg': null, 'annotations/instances_default.json': coco(['a.jpg', 'b.jpg']) },
    },
    {
      name: 'COCO with a crowd, and an image without boxes',
      files: {
        '{a,b}.png': null,
        'a.json': coco(['a.png', 'b.png'], {
          annotations: [cocoBox(1, 1, cat), cocoBox(1, 2, dog, { iscrowd: 1, segmentation: { counts: [1] } })],
        }),
      },
      ignored: 1,
    },
    {
      name: 'COCO with ids that are texts, in one line and with a mark',
      files: {
        'a.png': null,
        'a.json': `\ufeff${JSON.stringify({
          images: [{ ...cocoImage(1, 'a.png'), id: 'x' }],
          annotations: [{ ...cocoBox(1, 1, cat), image_id: 'x', category_id: '1' }],
          categories: cocoClasses,
        })}`,
      },
      images: { all: 1 },
      boxes: 1,
    },
    {
      name: 'COCO with absolute paths of another machine',
      files: { 'photos/a.png': null, 'a.json': oneOf('/home/anna/project/photos/a.png') },
      images: { all: 1 },
      boxes: 1,
    },
  ],
  voc: [
    {
      name: 'Pascal VOC: Annotations, JPEGImages, ImageSets/Main with lists of classes, too',
      files: {
        'JPEGImages/{a,b,c}.jpg': null,
        'Annotations/a.xml': catXml('a.jpg'),
        'Annotations/{b,c}.xml': dogXml('b.jpg'),
        'ImageSets/Main/train.txt': 'a\n',
        'ImageSets/Main/val.txt': 'b\n',
        'ImageSets/Main/trainval.txt': 'a\nb\n',
        'ImageSets/Main/test.txt': 'c\n',
        'ImageSets/Main/cat_train.txt': 'a  1\nb -1\n',
      },
      images: { train: 1, validation: 1, test: 1 },
      boxes: 3,
      notes: ['Splits are those of'],
    },
    {
      name: 'Pascal VOC: trainval and test, inside VOCdevkit/VOC2007',
      files: {
        'VOCdevkit/VOC2007/JPEGImages/{a,b}.jpg': null,
        'VOCdevkit/VOC2007/Annotations/a.xml': catXml('a.jpg'),
        'VOCdevkit/VOC2007/Annotations/b.xml': dogXml('b.jpg'),
        'VOCdevkit/VOC2007/ImageSets/Main/trainval.txt': 'a\n',
        'VOCdevkit/VOC2007/ImageSets/Main/test.txt': 'b\n',
      },
      images: { train: 1, test: 1 },
    },
    {
      name: 'Pascal VOC: the same names in 2007 and 2012',
      files: {
        'VOC20{07,12}/JPEGImages/a.jpg': null,
        'VOC20{07,12}/Annotations/a.xml': catXml('a.jpg'),
      },
      classes: ['cat'],
    },
    {
      name: 'Roboflow VOC: XML beside images in each split',
      files: {
        '{train,valid}/a.jpg': null,
        '{train,valid}/a.xml': voc('a.jpg', object('cat', cat), object('dog', dog)),
      },
      images: { train: 1, test: 1 },
      boxes: 4,
    },
    {
      name: 'Label Studio VOC: Annotations and images, names without extension',
      files: { 'images/{a,b}.png': null, 'Annotations/a.xml': catXml('a'), 'Annotations/b.xml': dogXml('b') },
    },
    {
      name: 'VOC with a difficult box, and an image without boxes',
      files: {
        '{a,b}.png': null,
        'a.xml': voc('a.png', object('cat', cat), object('dog', dog, '<difficult>1</difficult>')),
        'b.xml': voc('b.png'),
      },
      ignored: 1,
    },
    {
      name: 'VOC that counts pixels from 0',
      files: {
        '{a,b}.png': null,
        'a.xml': voc('a.png', object('cat', cat, '', 0)),
        'b.xml': voc('b.png', object('dog', [0, 0, 9, 9], '', 0)),
      },
      notes: ['counted from 0'],
    },
    {
      name: 'VOC with a header, comments, entities, attributes, and a part of an object',
      files: {
        'a.png': null,
        'a.xml': `<?xml version="1.0"?>\n<!-- <object> -->\n${voc(
          'a.png',
          object('cat', cat, '<part><name>ear</name><bndbox><xmin>1</xmin></bndbox></part>').replace(
            '<object>',
            '<object id="7">',
          ),
          object('d&#111;g &amp; co', dog),
        )}`,
      },
      classes: ['cat', 'dog & co'],
      images: { all: 1 },
    },
  ],
  yolo: [
    {
      name: 'YOLO: images and labels with a folder for each split, data.yaml with a list',
      files: {
        'images/{train,val}/{a,b}.jpg': null,
        'labels/{train,val}/a.txt': yolo(0, cat) + yolo(1, dog),
        'data.yaml': 'path: ../animals\ntrain: images/train\nval: images/val\nnc: 2\nnames: [cat, dog]\n',
      },
      images: { train: 2, test: 2 },
      boxes: 4,
    },
    {
      name: 'Roboflow YOLO: a folder for each split with images and labels, paths that lead out of it',
      files: {
        '{train,valid,test}/images/a.jpg': null,
        '{train,valid,test}/labels/a.txt': yolo(0, cat),
        'data.yaml':
          "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnames: ['cat', 'dog']\nroboflow:\n  version: 1\n",
      },
      images: { train: 1, validation: 1, test: 1 },
      boxes: 3,
    },
    {
      name: 'YOLO: names by number, and splits as lists of folders',
      files: {
        'images/{first,second,third}/a.jpg': null,
        'labels/{first,second,third}/a.txt': yolo(0, cat),
        'pets.yaml': 'train: [images/first, images/second]\nval: images/third\nnames:\n  0: cat\n  1: dog\n',
      },
      images: { train: 2, test: 1 },
      boxes: 3,
    },
    {
      name: 'YOLO: the path names data.yaml',
      files: { 'images/a.jpg': null, 'labels/a.txt': yolo(0, cat), 'data.yaml': 'names: [cat, dog]\n' },
      path: 'data.yaml',
      images: { all: 1 },
      boxes: 1,
    },
    {
      name: 'Label Studio YOLO: classes.txt, images and labels, notes.json',
      files: {
        'images/{a,b}.jpg': null,
        'labels/a.txt': yolo(0, cat),
        'labels/b.txt': yolo(1, dog),
        'classes.txt': 'cat\ndog\n',
        'notes.json': '{"categories": []}',
      },
    },
    {
      name: 'CVAT YOLO: obj.names, lists of images, labels beside images',
      files: {
        'obj_train_data/{a,b}.jpg': null,
        'obj_train_data/a.txt': yolo(0, cat),
        'obj_train_data/b.txt': yolo(1, dog),
        'obj.names': 'cat\ndog\n',
        'obj.data': 'classes = 2\ntrain = data/train.txt\n',
        'train.txt': 'data/obj_train_data/a.jpg\ndata/obj_train_data/b.jpg\n',
      },
      images: { train: 2 },
    },
    {
      name: 'YOLO with polygons, an empty file, and an image without a file',
      files: {
        'images/{a,b,c}.jpg': null,
        'labels/a.txt': polygon,
        'labels/b.txt': '',
        'classes.txt': 'cat\ndog\n',
      },
      images: { all: 3 },
      boxes: 1,
      notes: ['1 polygon became'],
    },
  ],
  csv: [
    {
      name: 'CSV with corners in pixels',
      files: {
        '{a,b}.jpg': null,
        'boxes.csv': `image,x1,y1,x2,y2,label\na.jpg,${corners},cat\nb.jpg,20,10,40,30,dog\n`,
      },
      notes: ['left, top, right, bottom in pixels'],
    },
    {
      name: "CSV of TensorFlow's tutorials, one in each split, with the size of the image",
      files: {
        '{train,test}/a.jpg': null,
        '{train,test}/_annotations.csv': `filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,${width},${height},cat,${corners}\na.jpg,${width},${height},dog,1,2,9,9\n`,
      },
      images: { train: 1, test: 1 },
      boxes: 4,
    },
    {
      name: 'CSV with sides in pixels, semicolons, splits, and an image without boxes',
      files: {
        'photos/{a,b,c}.jpg': null,
        'boxes.csv': `image;x;y;width;height;label;split\nphotos/a.jpg;${cat.join(';')};cat;train\nphotos/b.jpg;${dog.join(';')};dog;test\nphotos/c.jpg;;;;;;train\n`,
      },
      path: 'boxes.csv',
      images: { train: 2, test: 1 },
      notes: ['separated by semicolons', 'left, top, width, height in pixels'],
    },
    {
      name: 'CSV of Open Images: shares, and groups that are ignored',
      files: {
        '{a,b}.jpg': null,
        'boxes.csv': `ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf\na,xclick,cat,1,${x / width},${(x + w) / width},${y / height},${(y + h) / height},0\nb,xclick,dog,1,0,0.5,0,0.5,1\n`,
      },
      ignored: 1,
      notes: ['in shares of the image'],
    },
    {
      name: 'CSV with centres and sides as shares',
      files: {
        'a.jpg': null,
        'boxes.csv': `file,x_center,y_center,width,height,class\na.jpg,${(x + w / 2) / width},${(y + h / 2) / height},${w / width},${h / height},cat\n`,
      },
      classes: ['cat'],
      images: { all: 1 },
      boxes: 1,
      notes: ['x and y of the centre'],
    },
  ],
};
