using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>What the SDK's client writes when it is not told to write what every language reads.</summary>
public sealed class ForeignInputTests(SharedPostgres server) : EngineSuite(new PostgresDatabases(server))
{
    protected override bool StartsEmpty => true;

    [Fact]
    public async Task An_input_in_the_SDKs_own_format_ends_its_workflow_with_advice_and_the_queue_goes_on()
    {
        var doubling = Workflow.Define<int, int>("double", Body);
        var engine = await LaunchAsync(
            options => options.Add(new WorkflowQueue("narrow") { Concurrency = 1 }), doubling);
        await using var sdk = SdkProgram.Start();
        await sdk.CallAsync("connect", new { url = SdkProgram.UrlOf(((PostgresTestDatabase)Database).ConnectionString) });
        await sdk.CallAsync("enqueue", new { options = Named("own"), args = (int[])[1] });
        await sdk.CallAsync("enqueuePortable", new { options = Named("portable"), args = (int[])[2] });

        Assert.Equal(4, (await sdk.CallAsync("result", new { id = "portable" })).GetInt32());
        var failure = await engine.Retrieve<int>("own").FailureAsync();
        var (name, message) = await sdk.FailureAsync("result", new { id = "own" });
        var status = await sdk.CallAsync("status", new { id = "own" });

        Assert.True(failure.Is<SerializationFailedException>());
        Assert.Contains("The input of workflow 'own' cannot be decoded.", failure.Message);
        Assert.Contains("'js_superjson', the own format of DBOS for TypeScript", failure.Message);
        Assert.EndsWith("'enqueuePortable', or the option serializationType: 'portable'.", failure.Message);
        Assert.Equal((nameof(SerializationFailedException), failure.Message), (name, message));
        Assert.Equal("ERROR", status.GetProperty("status").GetString());
        Assert.Equal(WorkflowState.Error, await engine.StateOfAsync("own"));
        Assert.Empty(sdk.Complaints);

        static async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return input * 2;
        }
    }

    private static object Named(string id) => new { workflowName = "double", queueName = "narrow", workflowID = id };
}
