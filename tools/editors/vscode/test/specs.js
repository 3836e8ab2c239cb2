// Every shipped spec and every case of the suite that is right: their paths.

const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '../../../..');

function below(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const inside = path.join(folder, entry.name);
    return entry.isDirectory() ? below(inside) : [inside];
  });
}

const isCase = (file) => file.split(path.sep).includes('ok');

exports.root = root;
exports.specs = below(path.join(root, 'specs')).filter((file) => file.endsWith('.net'));
exports.cases = below(path.join(root, 'tests/suite')).filter((file) => file.endsWith('.net') && isCase(file));
