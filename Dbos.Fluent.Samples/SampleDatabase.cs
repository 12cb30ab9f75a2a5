namespace Dbos.Fluent.Samples;

/// <summary>The database that the command line names, or a new one in a temporary folder that is deleted at the end.</summary>
internal sealed class SampleDatabase : IDisposable
{
    private readonly SampleSettings settings;
    private readonly DirectoryInfo? folder;

    public SampleDatabase(SampleSettings settings)
    {
        if (settings is { Postgres: null, Sqlite: null })
        {
            folder = Directory.CreateTempSubdirectory("dbos-fluent-sample-");
            settings = settings with { Sqlite = Path.Combine(folder.FullName, "samples.sqlite") };
        }

        this.settings = settings;
    }

    public Task<WorkflowEngine> LaunchAsync(Action<EngineOptions> configure) => WorkflowEngine.LaunchAsync(options =>
    {
        settings.Use(options);
        configure(options);
    });

    public void Dispose() => folder?.Delete(recursive: true);
}
