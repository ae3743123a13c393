// Command gosdk does what a program with the official Go SDK does, against the
// server that its environment names. It is not part of Bailey; the test of
// package server runs it. It ends with status 1 at the first answer that is not
// what the original's would be.
package main

import (
	"context"
	"fmt"
	"os"

	infisical "github.com/infisical/go-sdk"
)

func main() {
	if err := run(); err != nil {
		fmt.Println("gosdk:", err)
		os.Exit(1)
	}
	fmt.Println("gosdk: all is as it should be")
}

func expect(what string, err error, got, want any) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		return fmt.Errorf("%s: %q, want %q", what, g, w)
	}
	return nil
}

func run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	project, slug := os.Getenv("PROJECT_ID"), os.Getenv("PROJECT_SLUG")
	c := infisical.NewInfisicalClient(ctx, infisical.Config{SiteUrl: os.Getenv("SITE"), SilentMode: true})
	cred, err := c.Auth().UniversalAuthLogin(os.Getenv("CLIENT_ID"), os.Getenv("CLIENT_SECRET"))
	if err := expect("login", err, cred.TokenType, "Bearer"); err != nil {
		return err
	}
	if _, err := infisical.NewInfisicalClient(ctx, infisical.Config{SiteUrl: os.Getenv("SITE"), SilentMode: true}).
		Auth().UniversalAuthLogin(os.Getenv("CLIENT_ID"), "wrong"); err == nil {
		return fmt.Errorf("login with a wrong secret worked")
	}
	for _, step := range []func(infisical.InfisicalClientInterface, string, string) error{secrets, batch, folders, etag} {
		if err := step(c, project, slug); err != nil {
			return err
		}
	}
	if err := c.Auth().RevokeAccessToken(); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	return nil
}

func secrets(c infisical.InfisicalClientInterface, project, slug string) error {
	made, err := c.Secrets().Create(infisical.CreateSecretOptions{ProjectID: project, Environment: "dev", SecretPath: "/", SecretKey: "GO_A", SecretValue: "v1", SecretComment: "c"})
	if err := expect("create", err, made.SecretKey+made.SecretValue, "GO_Av1"); err != nil {
		return err
	}
	if _, err := c.Secrets().Create(infisical.CreateSecretOptions{ProjectID: project, Environment: "dev", SecretKey: "GO_A", SecretValue: "x"}); err == nil {
		return fmt.Errorf("creating it twice worked")
	}
	changed, err := c.Secrets().Update(infisical.UpdateSecretOptions{ProjectID: project, Environment: "dev", SecretPath: "/", SecretKey: "GO_A", NewSecretValue: "v2"})
	if err := expect("update", err, changed.Version, 2); err != nil {
		return err
	}
	_, err = c.Secrets().Create(infisical.CreateSecretOptions{ProjectID: project, Environment: "dev", SecretPath: "/", SecretKey: "GO_REF", SecretValue: "<${GO_A}>"})
	if err := expect("create with a reference", err, "", ""); err != nil {
		return err
	}
	one, err := c.Secrets().Retrieve(infisical.RetrieveSecretOptions{ProjectID: project, Environment: "dev", SecretPath: "/", SecretKey: "GO_REF", ExpandSecretReferences: true, IncludeImports: true})
	if err := expect("retrieve", err, one.SecretValue, "<v2>"); err != nil {
		return err
	}
	one, err = c.Secrets().Retrieve(infisical.RetrieveSecretOptions{ProjectID: project, Environment: "dev", SecretPath: "/", SecretKey: "GO_REF"})
	if err := expect("retrieve raw", err, one.SecretValue, "<${GO_A}>"); err != nil {
		return err
	}
	one, err = c.Secrets().Retrieve(infisical.RetrieveSecretOptions{ProjectID: project, Environment: "dev", SecretPath: "/", SecretKey: "GO_A", Version: 1})
	if err := expect("an earlier version", err, one.SecretValue, "v1"); err != nil {
		return err
	}
	list, err := c.Secrets().List(infisical.ListSecretsOptions{ProjectSlug: slug, Environment: "dev", SecretPath: "/", ExpandSecretReferences: true, IncludeImports: true, Recursive: true})
	if err := expect("list by slug", err, len(list), 2); err != nil {
		return err
	}
	list, err = c.Secrets().List(infisical.ListSecretsOptions{ProjectID: project, Environment: "staging", SecretPath: "/", IncludeImports: true})
	if err := expect("list with imports", err, len(list), 2); err != nil { // staging imports dev
		return err
	}
	for _, key := range []string{"GO_A", "GO_REF"} {
		gone, err := c.Secrets().Delete(infisical.DeleteSecretOptions{ProjectID: project, Environment: "dev", SecretPath: "/", SecretKey: key})
		if err := expect("delete", err, gone.SecretKey, key); err != nil {
			return err
		}
	}
	if _, err := c.Secrets().Retrieve(infisical.RetrieveSecretOptions{ProjectID: project, Environment: "dev", SecretKey: "GO_A"}); err == nil {
		return fmt.Errorf("a deleted secret came back")
	}
	return nil
}

func batch(c infisical.InfisicalClientInterface, project, _ string) error {
	made, err := c.Secrets().Batch().Create(infisical.BatchCreateSecretsOptions{ProjectID: project, Environment: "dev", SecretPath: "/", Secrets: []infisical.BatchCreateSecret{
		{SecretKey: "GO_B1", SecretValue: "1", SecretMetadata: []infisical.SecretMetadata{{Key: "team", Value: "pay"}}}, {SecretKey: "GO_B2", SecretValue: "2"},
	}})
	return expect("batch", err, len(made), 2)
}

func folders(c infisical.InfisicalClientInterface, project, _ string) error {
	made, err := c.Folders().Create(infisical.CreateFolderOptions{ProjectID: project, Environment: "dev", Name: "gosdk", Path: "/"})
	if err := expect("create folder", err, made.Name, "gosdk"); err != nil {
		return err
	}
	renamed, err := c.Folders().Update(infisical.UpdateFolderOptions{ProjectID: project, Environment: "dev", FolderID: made.ID, NewName: "gosdk2", Path: "/"})
	if err := expect("rename folder", err, renamed.Name+renamed.ID, "gosdk2"+made.ID); err != nil {
		return err
	}
	list, err := c.Folders().List(infisical.ListFoldersOptions{ProjectID: project, Environment: "dev", Path: "/"})
	if err := expect("list folders", err, len(list), 1); err != nil {
		return err
	}
	gone, err := c.Folders().Delete(infisical.DeleteFolderOptions{ProjectID: project, Environment: "dev", FolderName: "gosdk2", Path: "/"})
	return expect("delete folder", err, gone.Name, "gosdk2")
}

func etag(c infisical.InfisicalClientInterface, project, _ string) error {
	ask := infisical.ListSecretsOptions{ProjectID: project, Environment: "dev", SecretPath: "/"}
	first, err := c.Secrets().ListSecrets(ask)
	if err != nil || first.ETag == "" {
		return fmt.Errorf("list has no ETag: %w", err)
	}
	second, err := c.Secrets().ListSecrets(ask)
	return expect("the ETag of the same list", err, second.ETag, first.ETag)
}
