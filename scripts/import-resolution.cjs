// What `$lib` means, told to the import check in the one form it reads. There is no webpack here.
const { join } = require('node:path');

module.exports = { resolve: { alias: { $lib: join(process.cwd(), 'app/lib') } } };
