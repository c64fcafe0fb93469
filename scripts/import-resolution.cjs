// What `$lib` means, told to the import check in the one form it reads. There is no webpack here.
module.exports = { resolve: { alias: { $lib: `${process.cwd()}/app/lib` } } };
