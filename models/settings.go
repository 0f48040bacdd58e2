package models

import (
	"fmt"

	"galvani/engine/setting"
)

// checkSettings holds the settings that c points to against their tags.
func checkSettings(c any) error {
	if err := setting.Check(c); err != nil {
		return fmt.Errorf("models: %w", err)
	}
	return nil
}
