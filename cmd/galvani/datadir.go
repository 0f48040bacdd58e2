package main

import (
	"fmt"
	"os"
	"path/filepath"

	"galvani/cmd/galvani/internal/config"

	"github.com/spf13/cobra"
)

const dataDirDoc = "folder of data-set files, empty for the user's cache folder"

// dataDirFlag adds --data-dir to a command that has no other keys.
func dataDirFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "data-dir", "", dataDirDoc)
}

// dataFolder returns the folder of data-set files that a key data_dir means, "" where the system
// names no cache folder. Tasks that are generated need none.
func dataFolder(dir string) string {
	if dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "galvani")
}

// mustDataFolder returns the folder where there has to be one.
func mustDataFolder(dir string) (string, error) {
	if dir = dataFolder(dir); dir == "" {
		return "", fmt.Errorf("%w: there is no cache folder, as neither HOME nor an absolute XDG_CACHE_HOME is set; name a folder with --data-dir", config.ErrConfig)
	}
	return dir, nil
}
