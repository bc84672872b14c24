// Command interop lets the Go project's transparency log code judge our log, and writes a log for ours to judge.
//
//	interop check DIR    DIR holds key, witness, checkpoint, older, leaves and tile/…; each line is one verdict
//	interop make DIR     writes such a folder, with proofs, by Go's code alone
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func must2[T, U any](one T, other U, err error) (T, U) {
	if err != nil {
		log.Fatal(err)
	}
	return one, other
}

func read(dir, name string) []byte { return must(os.ReadFile(filepath.Join(dir, name))) }

func write(dir, name string, data []byte) {
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		log.Fatal(err)
	}
}

// path is where C2SP tlog-tiles puts a tile: Go's own path without the height.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

// files reads our tiles for Go's TileHashReader, which checks each against the root.
type files struct{ dir string }

func (files) Height() int { return 8 }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		var err error
		if data[i], err = os.ReadFile(filepath.Join(f.dir, path(tile))); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (files) SaveTiles([]tlog.Tile, [][]byte) {}

// head is the checkpoint of a signed note: origin, size, root.
func head(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("no checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func proof(dir, name string) []tlog.Hash {
	var hashes []tlog.Hash
	for _, line := range strings.Fields(string(read(dir, name))) {
		hashes = append(hashes, must(tlog.ParseHash(line)))
	}
	return hashes
}

func say(what string, err error) {
	if err != nil {
		fmt.Printf("%s: refused: %v\n", what, err)
		return
	}
	fmt.Printf("%s: accepted\n", what)
}

func check(dir string) {
	verifier := must(note.NewVerifier(strings.TrimSpace(string(read(dir, "key")))))
	tree, err := head(read(dir, "checkpoint"), verifier)
	say("checkpoint", err)
	older, olderErr := head(read(dir, "older"), verifier)
	say("older", olderErr)
	if err != nil || olderErr != nil {
		return
	}
	_, err = note.Open(read(dir, "checkpoint"), note.VerifierList(
		must(cosignature.NewVerifierForCosignatureV1(strings.TrimSpace(string(read(dir, "witness")))))))
	say("cosignature", err)
	say("consistency", tlog.CheckTree(proof(dir, "consistency"), tree.N, tree.Hash, older.N, older.Hash))
	reader := tlog.TileHashReader(tree, files{dir})
	made, err := tlog.ProveTree(tree.N, older.N, reader)
	if err == nil {
		err = tlog.CheckTree(made, tree.N, tree.Hash, older.N, older.Hash)
	}
	say("consistency from tiles", err)
	// leaves: a line for each proved leaf: its index and its entry in base64; its proof is in inclusion.<index>.
	for _, line := range strings.Split(strings.TrimSpace(string(read(dir, "leaves"))), "\n") {
		fields := strings.Fields(line)
		index := must(strconv.ParseInt(fields[0], 10, 64))
		leaf := tlog.RecordHash(must(base64.StdEncoding.DecodeString(fields[1])))
		say("inclusion "+fields[0], tlog.CheckRecord(proof(dir, "inclusion."+fields[0]), tree.N, tree.Hash, index, leaf))
		stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err == nil && stored[0] != leaf {
			err = fmt.Errorf("another hash is in the tile")
		}
		say("tile of "+fields[0], err)
	}
}

func produce(dir string) {
	secret, public := must2(note.GenerateKey(rand.Reader, "log.example/go"))
	signer := must(note.NewSigner(secret))
	secret, witness := must2(note.GenerateKey(rand.Reader, "witness.example/go"))
	cosigner := must(cosignature.NewSignerForCosignatureV1(secret))
	write(dir, "witness", []byte(must(cosignature.VKeyToCosignatureV1(witness))+"\n"))
	var stored []tlog.Hash
	hashes := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	const size, old = 700, 300
	var entries bytes.Buffer
	for index := range int64(size) {
		entry := fmt.Appendf(nil, "entry %d", index)
		stored = append(stored, must(tlog.StoredHashesForRecordHash(index, tlog.RecordHash(entry), hashes))...)
		fmt.Fprintf(&entries, "%d %s\n", index, base64.StdEncoding.EncodeToString(entry))
	}
	write(dir, "key", []byte(public+"\n"))
	write(dir, "leaves", entries.Bytes())
	for name, n := range map[string]int64{"checkpoint": size, "older": old} {
		text := fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), n, must(tlog.TreeHash(n, hashes)))
		write(dir, name, must(note.Sign(&note.Note{Text: text}, signer, cosigner)))
	}
	for _, tile := range tlog.NewTiles(8, 0, size) {
		write(dir, path(tile), must(tlog.ReadTileData(tile, hashes)))
	}
	writeProof(dir, "consistency", must(tlog.ProveTree(size, old, hashes)))
	for index := range int64(size) {
		writeProof(dir, fmt.Sprintf("inclusion.%d", index), must(tlog.ProveRecord(size, index, hashes)))
	}
}

func writeProof(dir, name string, hashes []tlog.Hash) {
	var lines bytes.Buffer
	for _, hash := range hashes {
		fmt.Fprintln(&lines, hash)
	}
	write(dir, name, lines.Bytes())
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: interop check|make DIR")
	}
	switch os.Args[1] {
	case "check":
		check(os.Args[2])
	case "make":
		produce(os.Args[2])
	default:
		log.Fatal("usage: interop check|make DIR")
	}
}
