using System.Text.Json;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>
/// A database that the tests of a class share with DBOS for TypeScript, and who is on it: engines here, node processes beside.
/// </summary>
public sealed class InteropBed(SharedPostgres server) : IAsyncDisposable
{
    /// <summary>The applications of the two languages.</summary>
    internal const string Dotnet = "dotnet";
    internal const string TypeScript = "typescript";

    /// <summary>Queues that only their own application serves.</summary>
    internal const string DotnetQueue = "dotnet-line";
    internal const string TypeScriptQueue = "typescript-line";

    internal const string DotnetVersion = "dotnet-1";
    internal const string TypeScriptVersion = "typescript-1";

    // Members in camelCase, as TypeScript has them.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly List<WorkflowClient> clients = [];
    private readonly List<NodeProgram> programs = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    internal string ConnectionString { get; private set; } = "";

    /// <summary>What the tests of a class share; made by the first of them.</summary>
    internal WorkflowEngine? Engine { get; set; }

    /// <inheritdoc cref="Engine"/>
    internal WorkflowClient? Client { get; set; }

    /// <inheritdoc cref="Engine"/>
    internal NodeProgram? Node { get; set; }

    /// <summary>The database as the other SDKs are told of it.</summary>
    internal string Url => SdkProgram.UrlOf(ConnectionString);

    /// <summary>Makes the database, empty, where there is none yet.</summary>
    internal async Task CreateAsync()
    {
        if (ConnectionString.Length == 0)
        {
            ConnectionString = await server.CreateDatabaseAsync(Cancel);
        }
    }

    /// <summary>Starts a process of the TypeScript SDK; it is on no database yet.</summary>
    internal NodeProgram StartNode()
    {
        var program = NodeProgram.Start("peer.mjs");
        programs.Add(program);
        return program;
    }

    /// <summary>Starts a process and makes it a client of the database.</summary>
    internal async Task<NodeProgram> ConnectNodeAsync(string? application)
    {
        var program = StartNode();
        await program.CallAsync("connect", Url, application);
        return program;
    }

    /// <summary>Starts a process and makes it an executor of the application <c>typescript</c>, with the queue of that name.</summary>
    internal async Task<NodeProgram> LaunchNodeAsync(string executor = "local")
    {
        var program = StartNode();
        await program.CallAsync(
            "launch", Url, new { name = TypeScript, version = TypeScriptVersion, executor, queue = TypeScriptQueue });
        return program;
    }

    /// <summary>Launches an engine of the application <c>dotnet</c>, which serves the queue of that name.</summary>
    internal async Task<WorkflowEngine> LaunchAsync(Action<EngineOptions> configure)
    {
        var engine = await WorkflowEngine.LaunchAsync(
            options =>
            {
                options.UsePostgres(ConnectionString);
                options.ApplicationName = Dotnet;
                options.ApplicationVersion = DotnetVersion;
                options.JsonOptions = Json;
                options.Add(new WorkflowQueue(DotnetQueue));
                configure(options);
            },
            Cancel).Within(Bounded.Limit);
        clients.Add(engine);
        return engine;
    }

    /// <summary>Connects a client that acts for an application.</summary>
    internal async Task<WorkflowClient> ConnectAsync(string? application)
    {
        var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                options.UsePostgres(ConnectionString);
                options.ApplicationName = application;
                options.JsonOptions = Json;

                // Whatever comes of a wait comes by a notification, or because what other SDKs do not announce is looked at each second.
                options.PollInterval = TimeSpan.FromMinutes(10);
            },
            Cancel).Within(Bounded.Limit);
        clients.Add(client);
        return client;
    }

    /// <summary>Reads rows as texts; tables are named without a schema.</summary>
    internal async Task<List<string?[]>> QueryAsync(string sql)
    {
        await using var database = new PostgresTestDatabase(ConnectionString, notifications: true, _ => Task.CompletedTask);
        return await database.QueryAsync(sql);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var program in programs)
        {
            await program.DisposeAsync();
        }

        foreach (var client in clients)
        {
            // Not disposed at once: that would wait for what a failed test left running.
            await (client is WorkflowEngine engine ? engine.StopAsync(TimeSpan.Zero) : Task.CompletedTask);
            await client.DisposeAsync();
        }

        if (ConnectionString.Length > 0)
        {
            await server.ReturnDatabaseAsync(ConnectionString);
        }
    }
}
