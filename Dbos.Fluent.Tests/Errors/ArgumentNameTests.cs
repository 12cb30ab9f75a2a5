namespace Dbos.Fluent.Tests.Errors;

/// <summary>An option that is refused is named by its property, and an argument by the caller's parameter.</summary>
public sealed class ArgumentNameTests(SqliteDatabases fixture) : Conformance.EngineSuite(fixture), IClassFixture<SqliteDatabases>
{
    private static readonly TimeSpan Negative = TimeSpan.FromSeconds(-2);

    [Fact]
    public void Options_name_the_property_that_was_set()
    {
        Action[] refused =
        [
            () => _ = new StartOptions { IdReuse = (IdReuse)9 },
            () => _ = new StartOptions { Priority = -1 },
            () => _ = new StartOptions { DeduplicationPolicy = (DeduplicationPolicy)9 },
            () => _ = new StartOptions { Delay = Negative },
            () => _ = new StartOptions { Timeout = Negative },
            () => _ = new StartOptions { Format = (PayloadFormat)9 },
            () => _ = new ScheduleOptions { Overlap = (Overlap)9 },
            () => _ = new ScheduleOptions { Jitter = Negative },
            () => _ = new ClientOptions { TimeProvider = null! },
            () => _ = new ClientOptions { PollInterval = Negative },
            () => _ = new EngineOptions { Lease = Negative },
            () => _ = new EngineOptions { UnloadAfter = Negative },
            () => _ = new EngineOptions { DrainTimeout = Negative },
            () => _ = new EngineOptions { MaxRecoveryAttempts = -1 },
        ];

        Assert.Equal(
            [
                "IdReuse", "Priority", "DeduplicationPolicy", "Delay", "Timeout", "Format", "Overlap", "Jitter", "TimeProvider",
                "PollInterval", "Lease", "UnloadAfter", "DrainTimeout", "MaxRecoveryAttempts",
            ],
            refused.Select(set => Assert.ThrowsAny<ArgumentException>(set).ParamName));
    }

    [Fact]
    public async Task Calls_name_the_parameter_that_was_given()
    {
        var engine = await LaunchAsync();
        var workflow = Workflow.Declare<int, int>("elsewhere");

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("delay", () => engine.SetDelayAsync("w", Negative, Cancel));
        Assert.Throws<ArgumentOutOfRangeException>("atMost", () => engine.Debounce(workflow, atMost: TimeSpan.Zero));
    }
}
