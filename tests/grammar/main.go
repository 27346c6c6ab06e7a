// Holds the ABCI calls of one CometBFT against CometBFT's own grammar of them.
//
// Reads the calls' methods from standard input, a line for each, by the names that protobuf has for them
// (finalize_block). The argument says how that CometBFT began: clean-start or recovery. Exits with 0 where the grammar
// takes the calls; with 1 where it does not, and says the first error; with 2 where it was asked wrongly.
//
// The checker is in CometBFT's releases 1.0 alone. What it knows of a call is its method, and the methods and their
// order are those of ABCI 2.0 in 0.38 too: there as well a node that begins with state sync has no InitChain.
package main

import (
	"bufio"
	"fmt"
	"os"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/test/e2e/pkg/grammar"
)

func main() {
	if len(os.Args) != 2 || (os.Args[1] != "clean-start" && os.Args[1] != "recovery") {
		fail(2, "usage: abci-grammar clean-start|recovery <METHODS")
	}
	var calls []*abci.Request
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		call, err := callOf(lines.Text())
		if err != nil {
			fail(2, err)
		}
		calls = append(calls, call)
	}
	if err := lines.Err(); err != nil {
		fail(2, err)
	}
	checker := grammar.NewGrammarChecker(grammar.DefaultConfig())
	if _, err := checker.Verify(calls, os.Args[1] == "clean-start"); err != nil {
		fail(1, err)
	}
	fmt.Printf("%d calls respect the grammar\n", len(calls))
}

// callOf makes a call of a method. The grammar is about the order of calls alone: they stay empty.
func callOf(method string) (*abci.Request, error) {
	switch method {
	case "init_chain":
		return &abci.Request{Value: &abci.Request_InitChain{InitChain: &abci.InitChainRequest{}}}, nil
	case "offer_snapshot":
		return &abci.Request{Value: &abci.Request_OfferSnapshot{OfferSnapshot: &abci.OfferSnapshotRequest{}}}, nil
	case "apply_snapshot_chunk":
		return &abci.Request{Value: &abci.Request_ApplySnapshotChunk{ApplySnapshotChunk: &abci.ApplySnapshotChunkRequest{}}}, nil
	case "prepare_proposal":
		return &abci.Request{Value: &abci.Request_PrepareProposal{PrepareProposal: &abci.PrepareProposalRequest{}}}, nil
	case "process_proposal":
		return &abci.Request{Value: &abci.Request_ProcessProposal{ProcessProposal: &abci.ProcessProposalRequest{}}}, nil
	case "extend_vote":
		return &abci.Request{Value: &abci.Request_ExtendVote{ExtendVote: &abci.ExtendVoteRequest{}}}, nil
	case "verify_vote_extension":
		return &abci.Request{Value: &abci.Request_VerifyVoteExtension{VerifyVoteExtension: &abci.VerifyVoteExtensionRequest{}}}, nil
	case "finalize_block":
		return &abci.Request{Value: &abci.Request_FinalizeBlock{FinalizeBlock: &abci.FinalizeBlockRequest{}}}, nil
	case "commit":
		return &abci.Request{Value: &abci.Request_Commit{Commit: &abci.CommitRequest{}}}, nil
	}
	return nil, fmt.Errorf("%q is no method that the grammar has", method)
}

func fail(code int, why any) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(code)
}
