using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

// Scenario MG-05: each part of the library under a role that may not change a table, on tables that another role has migrated.
public sealed class RestrictedForkTests(RestrictedDatabases f) : ForkSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedRewindTests(RestrictedDatabases f) : RewindSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedResumeTests(RestrictedDatabases f) : ResumeSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedListTests(RestrictedDatabases f) : ListSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedCountTests(RestrictedDatabases f) : CountSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedUnreadableRowTests(RestrictedDatabases f) : UnreadableRowSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedExplainTests(RestrictedDatabases f) : ExplainSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedRetentionTests(RestrictedDatabases f) : RetentionSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedContinueAsNewTests(RestrictedDatabases f) : ContinueAsNewSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedAdoptTests(RestrictedDatabases f) : AdoptSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedRecoverTests(RestrictedDatabases f) : RecoverSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedDeadlineTests(RestrictedDatabases f) : DeadlineSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedQueueTests(RestrictedDatabases f) : QueueSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedQueueLimitTests(RestrictedDatabases f) : QueueLimitSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedEnqueueTests(RestrictedDatabases f) : EnqueueSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedDebounceTests(RestrictedDatabases f) : DebounceSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedScheduleTests(RestrictedDatabases f) : ScheduleSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedOutboxTests(RestrictedDatabases f) : OutboxSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedMessageTests(RestrictedDatabases f) : MessageSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedEventTests(RestrictedDatabases f) : EventSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedStreamTests(RestrictedDatabases f) : StreamSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedManyChildrenTests(RestrictedDatabases f) : ManyChildrenSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedAwaitAnyTests(RestrictedDatabases f) : AwaitAnySuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedCompensationTests(RestrictedDatabases f) : CompensationSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedWorkflowBasicsTests(RestrictedDatabases f)
    : WorkflowBasicsSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedRecoveryTests(RestrictedDatabases f)
    : RecoverySuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedVersionTests(RestrictedDatabases f) : VersionSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedPatchTests(RestrictedDatabases f) : PatchSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedRollingDeploymentTests(RestrictedDatabases f)
    : RollingDeploymentSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedNeighbourTests(RestrictedDatabases f)
    : NeighbourSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedSurvivorTests(RestrictedDatabases f)
    : SurvivorSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedCancelTests(RestrictedDatabases f) : CancelSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedCancelQueueTests(RestrictedDatabases f)
    : CancelQueueSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedClientManagementTests(RestrictedDatabases f)
    : ClientManagementSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedStepManagementTests(RestrictedDatabases f)
    : StepManagementSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedUnloadTests(RestrictedDatabases f) : UnloadSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedLoneEngineTests(RestrictedDatabases f)
    : LoneEngineSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedParkedTests(RestrictedDatabases f) : ParkedSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedMomentTests(RestrictedDatabases f) : MomentSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedGroupUnloadTests(RestrictedDatabases f)
    : GroupUnloadSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedLeavingTests(RestrictedDatabases f) : LeavingSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedWaitLengthTests(RestrictedDatabases f)
    : WaitLengthSuite(f), IClassFixture<RestrictedDatabases>;

public sealed class RestrictedSleepTests(RestrictedDatabases f) : SleepSuite(f), IClassFixture<RestrictedDatabases>;

/// <summary>What the role of the classes above may not do.</summary>
public sealed class RestrictedRightsTests(RestrictedDatabases databases) : IClassFixture<RestrictedDatabases>
{
    [Theory]
    [InlineData("CREATE TABLE dbos.made (n int)")]
    [InlineData("CREATE TABLE public.made (n int)")]
    [InlineData("CREATE TEMPORARY TABLE made (n int)")]
    [InlineData("CREATE SCHEMA made")]
    [InlineData("CREATE INDEX made ON dbos.workflow_status (name)")]
    [InlineData("ALTER TABLE dbos.workflow_status ADD COLUMN made int")]
    [InlineData("TRUNCATE dbos.streams")]
    public async Task The_role_may_change_nothing_but_rows(string sql)
    {
        await using var database = (RestrictedDatabase)await databases.CreateMigratedAsync();
        await using var command = database.Source.CreateCommand(sql);
        var cancel = TestContext.Current.CancellationToken;

        var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(cancel));

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }
}
