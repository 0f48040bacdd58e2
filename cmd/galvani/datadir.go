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

// dataFolder returns the folder of data-set files that a key data_dir means.
func dataFolder(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: no cache folder (%w); name a folder with --data-dir", config.ErrConfig, err)
	}
	return filepath.Join(cache, "galvani"), nil
}
