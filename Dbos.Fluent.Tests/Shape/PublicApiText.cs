using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>Renders the public surface of an assembly as text that reads like C#.</summary>
internal static class PublicApiText
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    public static string Render(Assembly assembly)
    {
        var text = new StringBuilder();
        var types = assembly.GetExportedTypes().Where(type => !type.IsNested);
        foreach (var group in types.GroupBy(type => type.Namespace).OrderBy(group => group.Key))
        {
            text.Append(CultureInfo.InvariantCulture, $"namespace {group.Key}\n\n");
            foreach (var type in group.OrderBy(type => type.Name, StringComparer.Ordinal))
            {
                Render(type, "", text);
            }
        }

        return text.ToString();
    }

    private static void Render(Type type, string indent, StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"{indent}{Header(type)}\n{indent}{{\n");
        foreach (var line in Members(type))
        {
            text.Append(CultureInfo.InvariantCulture, $"{indent}    {line}\n");
        }

        foreach (var nested in type.GetNestedTypes(Declared).Where(nested => nested.IsNestedPublic).OrderBy(nested => nested.Name))
        {
            Render(nested, indent + "    ", text);
        }

        text.Append(CultureInfo.InvariantCulture, $"{indent}}}\n\n");
    }

    private static string Header(Type type)
    {
        var kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => "struct",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        var bases = type.GetInterfaces().Where(face => face.IsVisible && !(type.BaseType?.GetInterfaces().Contains(face) ?? false))
            .Select(TypeText.Name)
            .Order(StringComparer.Ordinal);
        var all = type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && !type.IsEnum
            ? bases.Prepend(TypeText.Name(parent))
            : bases;
        var list = type.IsEnum ? "" : string.Join(", ", all);
        return $"public {kind} {TypeText.Name(type)}" + (list.Length > 0 ? " : " + list : "") + Constraints(type.GetGenericArguments());
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            return from value in Enum.GetValues(type).Cast<object>()
                   let number = Convert.ToInt64(value, CultureInfo.InvariantCulture)
                   orderby number
                   select $"{value} = {number}";
        }

        var constructors = type.GetConstructors(Declared).Where(IsSeen)
            .Select(made => $"{Access(made)} {Plain(type.Name)}({Parameters(made)})");
        var fields = type.GetFields(Declared).Where(field => field.IsPublic).Select(field => $"public {TypeText.Of(field)} {field.Name}");
        var properties = type.GetProperties(Declared).Where(property => property.GetAccessors(true).Any(IsSeen)).Select(Property);
        var methods = type.GetMethods(Declared).Where(method => IsSeen(method) && IsWritten(method)).Select(Method);
        return Sorted(constructors).Concat(Sorted(fields)).Concat(Sorted(properties)).Concat(Sorted(methods));
    }

    private static IEnumerable<string> Sorted(IEnumerable<string> lines) => lines.Order(StringComparer.Ordinal);

    private static string Property(PropertyInfo property)
    {
        var accessors = new[] { property.GetMethod, property.SetMethod }.OfType<MethodInfo>().Where(IsSeen).ToList();
        var words = accessors.Select(accessor => accessor == property.GetMethod ? "get;" : IsInit(accessor) ? "init;" : "set;");
        var required = property.GetCustomAttribute<RequiredMemberAttribute>() is null ? "" : "required ";
        return $"{Access(accessors[0])} {required}{TypeText.Of(property)} {property.Name} {{ {string.Join(' ', words)} }}";
    }

    private static string Method(MethodInfo method)
    {
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(TypeText.Name))}>" : "";
        return $"{Access(method)} {TypeText.Of(method.ReturnParameter)} {method.Name}{generic}({Parameters(method)})"
            + Constraints(method.IsGenericMethod ? method.GetGenericArguments() : []);
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
    {
        var way = parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? "ref " : "";
        var rest = parameter.GetCustomAttribute<ParamArrayAttribute>() is null ? "" : "params ";
        return rest + way + TypeText.Of(parameter) + " " + parameter.Name + Default(parameter);
    }));

    private static string Default(ParameterInfo parameter) => !parameter.HasDefaultValue
        ? ""
        : " = " + parameter.DefaultValue switch
        {
            null => parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null ? "default" : "null",
            string text => $"\"{text}\"",
            bool truth => truth ? "true" : "false",
            var value => Convert.ToString(value, CultureInfo.InvariantCulture),
        };

    private static string Constraints(Type[] arguments) =>
        string.Concat(arguments.Where(argument => argument.IsGenericParameter).Select(argument =>
    {
        var types = argument.GetGenericParameterConstraints().Where(type => type != typeof(ValueType)).Select(TypeText.Name);
        var kinds = argument.GenericParameterAttributes;
        var words = types
            .Concat(kinds.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint) ? ["class"] : [])
            .Concat(kinds.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint) ? ["struct"] : []);
        return words.Any() ? $" where {argument.Name} : {string.Join(", ", words)}" : "";
    }));

    private static string Access(MethodBase method)
    {
        var access = method.IsPublic ? "public" : "protected";
        var kind = method switch
        {
            { DeclaringType.IsInterface: true } => "",
            { IsStatic: true } => " static",
            { IsAbstract: true } => " abstract",
            MethodInfo { IsVirtual: true, IsFinal: false } virtually =>
                virtually.GetBaseDefinition() == virtually ? " virtual" : " override",
            _ => "",
        };
        return access + kind;
    }

    private static bool IsSeen(MethodBase method) =>
        method.IsPublic || (!method.DeclaringType!.IsSealed && (method.IsFamily || method.IsFamilyOrAssembly));

    // Accessors belong to their property; what the compiler makes for records is not written by anyone.
    private static bool IsWritten(MethodInfo method) =>
        (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal))
        && method.GetCustomAttribute<CompilerGeneratedAttribute>() is null;

    private static bool IsInit(MethodInfo setter) =>
        setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static string Plain(string name) => name.Split('`')[0];
}
