"""The venue's JSON of ledger entries: `{time, hash, delta}`."""

from __future__ import annotations

from collections.abc import Mapping

from shared.instrument import Instrument
from shared.venue.core.ledger_entries import (
    AssetSent,
    ClassMoved,
    Deposited,
    LedgerChanged,
    LedgerEntry,
    Liquidation,
    RewardsClaimed,
    SubTransferred,
    TokenMove,
    TokenRewardsClaimed,
    TokenTransferred,
    Transferred,
    VaultCommission,
    VaultCreated,
    VaultDeposited,
    VaultDistributed,
    VaultWithdrawn,
    Withdrawn,
)
from shared.venue.door.render import Json, number, usd


def ledger_row(instruments: Mapping[int, Instrument], changed: LedgerChanged) -> Json:
    """One entry of a user's ledger."""
    return {"time": changed.time_ms, "hash": changed.hash, "delta": _delta(instruments, changed.entry)}


def _delta(instruments: Mapping[int, Instrument], entry: LedgerEntry) -> Json:
    """What happened, its type first."""
    match entry:
        case Deposited():
            return {"type": "deposit", "usdc": usd(entry.usd)}
        case Withdrawn():
            return {"type": "withdraw", "usdc": usd(entry.usd), "nonce": entry.nonce, "fee": usd(entry.fee_usd)}
        case Transferred():
            ends = {"user": entry.user, "destination": entry.destination}
            return {"type": "internalTransfer", "usdc": usd(entry.usd), **ends, "fee": usd(entry.fee_usd)}
        case SubTransferred():
            ends = {"user": entry.user, "destination": entry.destination}
            return {"type": "subAccountTransfer", "usdc": usd(entry.usd), **ends}
        case ClassMoved():
            return {"type": "accountClassTransfer", "usdc": usd(entry.usd), "toPerp": entry.to_perp}
        case RewardsClaimed():
            return {"type": "rewardsClaim", "amount": usd(entry.usd), "token": "USDC"}  # nosec B105
        case TokenRewardsClaimed():
            return {"type": "rewardsClaim", "amount": number(entry.amount), "token": entry.token}
        case Liquidation():
            return _liquidation(instruments, entry)
        case TokenTransferred():
            return {"type": "spotTransfer"} | _token_move(entry.move)
        case AssetSent():
            dexs = {"sourceDex": entry.source_dex, "destinationDex": entry.destination_dex}
            return {"type": "send"} | dexs | _token_move(entry.move)
        case _:
            return _vault_delta(entry)


def _vault_delta(entry: VaultCreated | VaultDeposited | VaultWithdrawn | VaultDistributed | VaultCommission) -> Json:
    """As `_delta`, of vaults. Nothing is closed for a withdrawal here, so that costs nothing."""
    match entry:
        case VaultCreated():
            return {"type": "vaultCreate", "vault": entry.vault, "usdc": usd(entry.usd), "fee": usd(entry.fee_usd)}
        case VaultDeposited():
            return {"type": "vaultDeposit", "vault": entry.vault, "usdc": usd(entry.usd)}
        case VaultDistributed():
            return {"type": "vaultDistribution", "vault": entry.vault, "usdc": usd(entry.usd)}
        case VaultCommission():
            return {"type": "vaultLeaderCommission", "user": entry.user, "usdc": usd(entry.usd)}
        case VaultWithdrawn():
            return {
                "type": "vaultWithdraw",
                "vault": entry.vault,
                "user": entry.user,
                "requestedUsd": usd(entry.usd),
                "commission": usd(entry.commission_usd),
                "closingCost": "0.0",
                "basis": usd(entry.basis_usd),
                "netWithdrawnUsd": usd(entry.usd - entry.commission_usd),
            }


def _token_move(move: TokenMove) -> Json:
    return {
        "token": move.token,
        "amount": number(move.amount),
        "usdcValue": usd(move.value_usd),
        "user": move.user,
        "destination": move.destination,
        "fee": usd(move.fee_usd),
        "nativeTokenFee": "0.0",
        "nonce": move.nonce,
        "feeToken": "USDC" if move.fee_usd else "",
    }


def _liquidation(instruments: Mapping[int, Instrument], entry: Liquidation) -> Json:
    positions = [
        {"coin": instruments[asset].coin, "szi": number(instruments[asset].sz_text(sz))}
        for asset, sz in entry.positions
    ]
    return {
        "type": "liquidation",
        "liquidatedNtlPos": usd(entry.notional_usd),
        "accountValue": usd(entry.value_usd),
        "leverageType": "Cross" if entry.is_cross else "Isolated",
        "liquidatedPositions": positions,
    }
