// CodeFace's own build of PocketBase, for machines that can reach neither its releases nor the Python index.
// It takes the flags of the released program, with the same defaults, so that the server starts either one alike.
// Left out is the command that replaces the program by a download: nothing unchecked may take its place.
package main

import (
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/plugins/jsvm"
	"github.com/pocketbase/pocketbase/plugins/migratecmd"
	"github.com/pocketbase/pocketbase/tools/hook"
)

// anyPath is what is left once the API and the hooks have named theirs.
const anyPath = "/{path...}"

// afterHooks places a handler behind those of hook files, which have priority 0: their routes come first.
const afterHooks = 1000

// options are the flags that PocketBase as a library doesn't have. An empty folder name means the one beside the data.
type options struct {
	hooks      jsvm.Config
	migrations migratecmd.Config
	publicDir  string
	// indexFallback answers an unknown path with index.html instead of 404.
	indexFallback bool
}

func main() {
	app := pocketbase.New()
	chosen := readOptions(app)

	jsvm.MustRegister(app, chosen.hooks)
	migratecmd.MustRegister(app, app.RootCmd, chosen.migrations)
	app.OnServe().Bind(servePublic(app, chosen))

	if err := app.Start(); err != nil {
		log.Fatal(err)
	}
}

func readOptions(app *pocketbase.PocketBase) *options {
	chosen := &options{migrations: migratecmd.Config{TemplateLang: migratecmd.TemplateLangJS}}
	flags := app.RootCmd.PersistentFlags()
	flags.StringVar(&chosen.hooks.HooksDir, "hooksDir", "", "folder of the JavaScript hooks")
	flags.BoolVar(&chosen.hooks.HooksWatch, "hooksWatch", true, "restart when a hook file changes")
	flags.IntVar(&chosen.hooks.HooksPoolSize, "hooksPool", 15, "JavaScript engines kept ready for the hooks")
	flags.StringVar(&chosen.migrations.Dir, "migrationsDir", "", "folder of the JavaScript migrations")
	flags.BoolVar(&chosen.migrations.Automigrate, "automigrate", true, "write a migration for each change made in the dashboard")
	flags.StringVar(&chosen.publicDir, "publicDir", "", "folder of static files to serve")
	flags.BoolVar(&chosen.indexFallback, "indexFallback", true, "answer unknown paths with the public folder's index.html")

	// The plug-ins want their settings before the command line is read in Start, which also reports what is wrong with it.
	_ = app.RootCmd.ParseFlags(os.Args[1:])
	chosen.hooks.MigrationsDir = chosen.migrations.Dir
	return chosen
}

func servePublic(app core.App, chosen *options) *hook.Handler[*core.ServeEvent] {
	return &hook.Handler[*core.ServeEvent]{
		Priority: afterHooks,
		Func: func(e *core.ServeEvent) error {
			dir := chosen.publicDir
			if dir == "" {
				dir = filepath.Join(app.DataDir(), "..", "pb_public")
			}
			if !e.Router.HasRoute(http.MethodGet, anyPath) {
				e.Router.GET(anyPath, apis.Static(os.DirFS(dir), chosen.indexFallback))
			}
			return e.Next()
		},
	}
}
