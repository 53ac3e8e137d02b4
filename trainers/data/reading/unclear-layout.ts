import { countsOf } from '../../../base/group.js';
import { join } from 'node:path';
import { invalidInput, type NasError } from '../../../base/errors.js';
import { counted } from '../../../base/text.js';
import type { FileTree, StoredFile } from './files.js';
import { imagesBelow, isSame, namesOf, unreadableText, type Folder } from './folder-tree.js';
import { plainName, readableText, splitMeaning } from './names.js';
import type { Reading } from './listing.js';
import { isTable } from './table.js';
import { looksLikeArchive } from './tree.js';

/** Folders that hold images or what belongs to them: no classes where all are such folders. */
const containers = new Set([
  ...['images', 'image', 'imgs', 'img', 'jpegimages', 'photos', 'pictures', 'data', 'dataset', 'rgb', 'thumbnails'],
  ...['masks', 'mask', 'labels', 'label', 'annotations', 'annotation', 'gt', 'groundtruth', 'depth'],
  ...['segmentation', 'segmentations', 'segmentationclass', 'segmentationobject'],
]);
const isContainer = ({ name }: Folder): boolean => containers.has(plainName(name).replaceAll(/[\s_-]/g, ''));

const layoutHint =
  'A classifier needs at least two classes; data.path names the folder that holds one folder per class, or train and test (or val) folders of such folders.';

export function emptyClass({ tree }: Reading, content: Folder, name: string): NasError {
  const empty = content.others.find((inner) => plainName(inner.name) === plainName(name));
  const formats = empty === undefined ? '' : unreadableText(empty);
  return invalidInput(
    `the class folder ${join(tree.path, content.path, empty?.name ?? name)} has no images${formats === '' ? '' : ` that can be read (${formats})`}`,
    { hint: `Add images (${readableText}) or remove the class.` },
  );
}

export function oneClass({ tree }: Reading, folder: Folder): NasError {
  const formats = folder.others.map((other) => [other.name, unreadableText(other)]).filter(([, text]) => text !== '');
  const others = formats.map(([name, text]) => `; ${name} has only files that cannot be read (${text})`).join('');
  return invalidInput(`${join(tree.path, folder.path)} has only the class ${folder.folders[0].name}${others}`, {
    hint: remedy(tree, imagesBelow(folder)),
  });
}

export const noTraining = (at: string, folders: readonly Folder[]): NasError =>
  invalidInput(`${at} has ${namesOf(folders)}, but no folder of training images`, {
    hint: `Add a folder train; or name one of these in data.path (${join(at, folders[0].name)}), whose images are then split.`,
  });

/** Refuses folders that a person would not take for classes. */
export function refuseUnclear(reading: Reading, folder: Folder): void {
  const { folders } = folder;
  const at = join(reading.tree.path, folder.path);
  const list = `data.classes: [${namesOf(folders)}]`;
  const meanings = folders.map(({ name }) => splitMeaning(name));
  if (meanings.every((meaning) => meaning !== null && meaning.rest === '')) {
    if (folders.every(({ images }) => images.length > 0))
      throw invalidInput(`the folders ${namesOf(folders)} of ${at} hold images, but no class folders`, {
        hint: remedy(reading.tree, imagesBelow(folder), 'Make a folder per class inside each.'),
      });
    throw noTraining(at, folders);
  }
  refuseOddClasses(reading, folder);
  const container = folders.find(
    (inner) => isContainer(inner) && inner.images.length === 0 && inner.folders.length > 1,
  );
  if (container !== undefined)
    throw invalidInput(`${at} holds ${namesOf(folders)}: it is not clear which are the classes`, {
      hint: `If the classes are ${namesOf(container.folders)}, write data.path: ${join(at, container.name)}; otherwise ${list}.`,
    });
  const rests = meanings.flatMap((meaning) => (meaning === null ? [] : [meaning.rest]));
  const twice = rests.find((rest, i) => rest !== '' && rests.indexOf(rest) !== i);
  if (twice !== undefined)
    throw invalidInput(`the folders ${namesOf(folders)} of ${at} name splits of the same classes`, {
      hint: `Move them to train/${twice}, test/${twice} and so on; if they are the classes, write ${list}.`,
    });
}

/** Refuses class folders with the same sub-folders, and names that are no classes. */
export function refuseOddClasses({ tree }: Reading, folder: Folder): void {
  const { folders } = folder;
  const [first, second] = folders;
  const at = join(tree.path, folder.path);
  const list = `data.classes: [${namesOf(folders)}]`;
  if (folders.every(({ images, folders: inner }) => images.length === 0 && isSame(inner, first.folders)))
    throw invalidInput(
      `all folders of ${at} (${namesOf(folders)}) hold the same folders (${namesOf(first.folders)}): it is not clear which are the classes`,
      {
        hint: `If ${first.folders[0].name} and the like are the classes, name one folder in data.path (${join(at, first.name)}), or use data: {type: list}, which may keep a group in one split; if ${first.name} and ${second.name} are, write ${list}.`,
      },
    );
  if (folders.every(isContainer))
    throw invalidInput(`the folders of ${at} (${namesOf(folders)}) do not look like classes`, {
      hint: `Name the folder with one folder per class in data.path; for classes of these names write ${list}. Masks and boxes are not supported.`,
    });
}

/** Names before a number, such as `cat` in `cat.12.jpg`, if they look like classes. */
function classesInNames(images: readonly StoredFile[]): string[] {
  const stems = images.flatMap(({ path }) => /([^/]*?)[\s._(-]*\d+\)?\.\w+$/.exec(path)?.[1] || []);
  const found = [...countsOf(stems)].filter(([, count]) => count > 1).map(([stem]) => stem);
  return found.length > 1 && found.length * 2 <= images.length ? found.sort() : [];
}

const isBoxes = ({ path }: StoredFile): boolean =>
  /(^|\/)(labels\/.*\.txt|annotations(\/.*)?\.xml|_annotations\.coco\.json|data\.yaml)$/i.test(path);

/** What to do with images that no class folder holds. */
function remedy(tree: FileTree, images: readonly StoredFile[], otherwise = layoutHint): string {
  const table = tree.files.find(({ path }) => isTable(path))?.path;
  const names = classesInNames(images);
  return [
    ...(table === undefined
      ? []
      : [`If ${table} has the labels: data: {type: list, path: ${join(tree.path, table)}}.`]),
    ...(names.length === 0
      ? []
      : [
          `The names begin with ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}: make a folder of each.`,
        ]),
    ...(tree.files.some(isBoxes) ? ['Boxes around objects are not supported.'] : []),
    otherwise,
  ].join(' ');
}

export const looseImages = ({ tree }: Reading, { path, images }: Folder): NasError =>
  invalidInput(`${join(tree.path, path)} has no class folder, but ${counted(images.length, 'image')} directly inside`, {
    hint: remedy(tree, images),
  });

export function nothingToRead(tree: FileTree, root: Folder): NasError {
  const formats = unreadableText(root);
  if (formats !== '')
    return invalidInput(`${tree.path} has no image that can be read, but ${formats}`, {
      hint: `Convert them to one of ${readableText}; ImageMagick does: magick mogrify -format png *${[...root.unreadable.keys()][0]}`,
    });
  const archives = tree.files.filter(({ path }) => looksLikeArchive(path)).map(({ path }) => path);
  return invalidInput(`${tree.path} has no class folder and no images`, {
    hint:
      archives.length === 0
        ? layoutHint
        : `It holds archives (${archives.slice(0, 3).join(', ')}): name one in data.path, or unpack them.`,
  });
}
