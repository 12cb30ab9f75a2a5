using Microsoft.Extensions.Logging;

namespace Dbos.Fluent;

/// <summary>The log messages of a launch. Event ids are stable.</summary>
internal static partial class LaunchLog
{
    [LoggerMessage(
        1001,
        LogLevel.Warning,
        "No database was chosen, so the engine keeps everything in the file {Path}. Call UsePostgres or UseSqlite, or set the environment "
        + "variable DBOS_SYSTEM_DATABASE_URL")]
    public static partial void NoDatabaseChosen(this ILogger logger, string path);

    [LoggerMessage(
        1002,
        LogLevel.Warning,
        "Version {Version} is registered by application {Other}, and a database holds each version's name once. Application {Application} "
        + "runs under it all the same: its engines of that version take work without a version beside those of its latest one, and "
        + "Versions neither lists that version nor makes it the latest. Give the version a name of its own")]
    public static partial void VersionIsAnothers(this ILogger logger, string version, string other, string application);
}
