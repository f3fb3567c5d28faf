//! Bugs to plant in the simulated world, so that the storm shows that it would find them.

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The commit does not check that the lease is still the requester's.
    NoFence,
    /// The commit puts the insight whether or not there is one, under whatever lease.
    UnconditionalPut,
    /// The end of a lease is stored in seconds and read as milliseconds.
    LeaseUnit,
    /// A takeover leaves the fence as it is.
    SameFence,
    /// A claim is granted while another worker's lease is live.
    ClaimForAll,
    /// A released claim is deleted, with the calls that it counted.
    ForgottenClaim,
    /// A further call is reported as counted, and is not.
    UncountedCall,
    /// The first call is reported as counted with the claim, and is not.
    UncountedFirstCall,
    /// Half of a commit's transaction is lost now and then: the claim is done and there is no insight.
    HalfTransaction,
    /// A commit that the store refused to do is taken for stored.
    RefusedIsStored,
    /// An event is acknowledged when it is delivered.
    EarlyAcknowledgement,
    /// A refused event is not stored, and is acknowledged.
    NoParking,
    /// What has expired is read as present.
    ExpiredIsPresent,
    /// A repeat is counted whether or not it is later than the last one.
    RepeatCountedTwice,
    /// An upgrade replaces any insight.
    UpgradeOfAll,
    /// An error of the bus is taken for success.
    Unpublished,
}

impl Bug {
    /// Every one.
    pub const ALL: [Self; 16] = [
        Self::NoFence,
        Self::UnconditionalPut,
        Self::LeaseUnit,
        Self::SameFence,
        Self::ClaimForAll,
        Self::ForgottenClaim,
        Self::UncountedCall,
        Self::UncountedFirstCall,
        Self::HalfTransaction,
        Self::RefusedIsStored,
        Self::EarlyAcknowledgement,
        Self::NoParking,
        Self::ExpiredIsPresent,
        Self::RepeatCountedTwice,
        Self::UpgradeOfAll,
        Self::Unpublished,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoFence => "no-fence",
            Self::UnconditionalPut => "unconditional-put",
            Self::LeaseUnit => "lease-unit",
            Self::SameFence => "same-fence",
            Self::ClaimForAll => "claim-for-all",
            Self::ForgottenClaim => "forgotten-claim",
            Self::UncountedCall => "uncounted-call",
            Self::UncountedFirstCall => "uncounted-first-call",
            Self::HalfTransaction => "half-transaction",
            Self::RefusedIsStored => "refused-is-stored",
            Self::EarlyAcknowledgement => "early-acknowledgement",
            Self::NoParking => "no-parking",
            Self::ExpiredIsPresent => "expired-is-present",
            Self::RepeatCountedTwice => "repeat-counted-twice",
            Self::UpgradeOfAll => "upgrade-of-all",
            Self::Unpublished => "unpublished",
        }
    }

    /// The bug of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bug| bug.name() == name)
    }
}
